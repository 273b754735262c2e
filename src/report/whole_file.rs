//! A file that appears whole or not at all: written beside its place, synced, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file being written. Unless it is [put in its place](put_all_in_place), dropping it removes what was written.
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

    /// Brings everything to the disk and closes the file: many can wait for their place at once.
    ///
    /// # Errors
    /// The operating system's, e.g. a full disk.
    pub fn close(&mut self) -> io::Result<()> {
        self.sync()?;
        self.writer = None;
        Ok(())
    }
}

/// Why files were not put in their places.
#[derive(Debug, Error)]
pub enum PutError {
    /// Everything stands as it stood before.
    #[error("cannot write `{}`: {source}; no file of this run was left there", .path.display())]
    Undone {
        /// The file that could not be put in its place.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Some files could not be put back: files of two runs may stand there.
    #[error(
        "cannot write `{}`: {source}; these could not be put back as they were: {}", .path.display(), list(.changed)
    )]
    Mixed {
        /// The file that could not be put in its place.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
        /// Where something else stands than before.
        changed: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    names.join(", ")
}

/// Puts all files in their places, over what stood there: all of them, or none.
///
/// # Errors
/// [`PutError`], which says whether what stood there before stands there again.
pub fn put_all_in_place(mut files: Vec<WholeFile>) -> Result<(), PutError> {
    for file in &mut files {
        is_free(&file.target)
            .and_then(|()| file.close())
            .map_err(|source| PutError::Undone {
                path: file.target.clone(),
                source,
            })?;
    }
    let mut moves: Vec<Move> = Vec::with_capacity(files.len());
    for file in &mut files {
        let mut step = Move {
            target: file.target.clone(),
            old: None,
            is_new: false,
        };
        let put = step.put(file);
        moves.push(step);
        if let Err(source) = put {
            let path = file.target.clone();
            let changed: Vec<PathBuf> = moves.iter().rev().filter_map(Move::undo).collect();
            return Err(if changed.is_empty() {
                PutError::Undone { path, source }
            } else {
                PutError::Mixed {
                    path,
                    source,
                    changed,
                }
            });
        }
    }
    for old in moves.into_iter().filter_map(|step| step.old) {
        // The new file stands: an old one that cannot be removed is only litter.
        let _ = fs::remove_file(old);
    }
    Ok(())
}

/// Whether a file can be put at a place: nothing stands there, or a file.
///
/// # Errors
/// If a folder or anything else that is no file stands there.
pub fn is_free(target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_file() || found.is_symlink() => Ok(()),
        Ok(found) if found.is_dir() => Err(io::Error::other("a folder stands there")),
        Ok(_) => Err(io::Error::other("something that is no file stands there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// One file on its way to its place.
struct Move {
    target: PathBuf,
    /// Where the file that stood there waits.
    old: Option<PathBuf>,
    is_new: bool,
}

impl Move {
    fn put(&mut self, file: &mut WholeFile) -> io::Result<()> {
        let old = file.partial.with_extension("old");
        match fs::rename(&self.target, &old) {
            Ok(()) => self.old = Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::rename(&file.partial, &self.target)?;
        self.is_new = true;
        file.partial.clear();
        Ok(())
    }

    /// Puts back what stood there; the place, where that fails.
    fn undo(&self) -> Option<PathBuf> {
        let undone = match &self.old {
            Some(old) => fs::rename(old, &self.target),
            None if self.is_new => fs::remove_file(&self.target),
            None => Ok(()),
        };
        undone.err().map(|_| self.target.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("hedgesim-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(target: &Path, text: &str) -> WholeFile {
        let mut file = WholeFile::create(target).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn all_files_replace_what_stood_there() {
        let folder = folder("put-all");
        let (a, b) = (folder.join("a"), folder.join("b"));
        fs::write(&a, "old").unwrap();
        put_all_in_place(vec![file(&a, "new a"), file(&b, "new b")]).unwrap();
        assert_eq!(fs::read_to_string(&a).unwrap(), "new a");
        assert_eq!(fs::read_to_string(&b).unwrap(), "new b");
        assert_eq!(names(&folder), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_failure_puts_back_what_stood_there() {
        let folder = folder("put-back");
        let (a, b, c) = (folder.join("a"), folder.join("b"), folder.join("c"));
        fs::write(&a, "old").unwrap();
        let files = vec![file(&a, "new a"), file(&b, "new b"), file(&c, "new c")];
        // The third is lost on its way.
        fs::remove_file(&files[2].partial).unwrap();
        let error = put_all_in_place(files).unwrap_err();
        assert!(
            matches!(&error, PutError::Undone { path, .. } if *path == c),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(names(&folder), 1);
        // A folder in the way is seen before anything is moved.
        fs::create_dir(&b).unwrap();
        let error = put_all_in_place(vec![file(&a, "new a"), file(&b, "new b")]).unwrap_err();
        assert!(
            error.to_string().contains("a folder stands there"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(names(&folder), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
