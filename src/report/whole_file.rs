//! A file that appears whole or not at all: written beside its place, synced, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file being written. Unless it is [put in place](Self::put_in_place), dropping it removes what was written.
#[derive(Debug)]
pub struct WholeFile {
    target: PathBuf,
    partial: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl WholeFile {
    /// Starts a file that is to stand at `target`, whose folder exists.
    ///
    /// # Errors
    /// The operating system's, when no file can be created there.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let partial = target.with_file_name(format!(
            ".{}.{}.partial",
            name.to_string_lossy(),
            std::process::id()
        ));
        let writer = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
        Ok(Self {
            target: target.to_owned(),
            partial,
            writer: Some(writer),
        })
    }

    /// Brings everything written so far to the disk.
    ///
    /// # Errors
    /// The operating system's, e.g. a full disk.
    pub fn sync(&mut self) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        writer.flush()?;
        writer.get_ref().sync_all()
    }

    /// Syncs the file and renames it to its place, over what stood there.
    ///
    /// # Errors
    /// The operating system's; nothing is changed then.
    pub fn put_in_place(mut self) -> io::Result<()> {
        self.sync()?;
        fs::rename(&self.partial, &self.target)?;
        self.partial.clear();
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.partial.as_os_str().is_empty() {
            return;
        }
        if let Some(writer) = self.writer.take() {
            drop(writer.into_parts()); // without a last attempt to write what is buffered
        }
        // Nothing more can be done about a file that cannot be removed.
        let _ = fs::remove_file(&self.partial);
    }
}
