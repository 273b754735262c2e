//! Texts written into a folder: all of them, or none.

use std::io::Write as _;
use std::path::Path;

use crate::report::folder::{FolderError, prepare_folder};
use crate::report::whole_file::{WholeFile, put_all_in_place};

/// Writes texts under their names. All are complete on the disk before the first is put in its place.
///
/// # Errors
/// [`FolderError`]; files of these names that were there before are then untouched.
pub fn write_texts(folder: &Path, texts: &[(&str, &str)]) -> Result<(), FolderError> {
    let names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
    let _prepared = prepare_folder(folder, &names)?;
    let mut files = Vec::with_capacity(texts.len());
    for (name, text) in texts {
        let path = folder.join(name);
        let written = WholeFile::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.close()?;
            Ok(file)
        });
        files.push(written.map_err(|source| FolderError::Write { path, source })?);
    }
    put_all_in_place(files)?;
    Ok(())
}
