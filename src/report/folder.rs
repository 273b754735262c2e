//! The folder that a run leaves: summary.json, outcomes.csv, percentiles.csv, scenario.toml.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use crate::outcome::csv::{WriteError, push_number, write_outcomes};
use crate::outcome::table::OutcomeTable;
use crate::report::json;
use crate::report::whole_file::{PutError, WholeFile, is_free, put_all_in_place};
use crate::stats::level::ALL_LEVELS;
use crate::stats::percentile_table::percentile_table;
use crate::stats::summary::Summary;

/// Why no folder was written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Something that is no folder stands there.
    #[error("`{}` is not a folder; results need a folder of their own", .path.display())]
    NotAFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// Something that is no file stands where a file of the run goes.
    #[error("cannot write `{}`: {source}; results need a folder of their own", .path.display())]
    Taken {
        /// The file that was to be written.
        path: PathBuf,
        /// What stands there.
        source: io::Error,
    },
    /// The files are written and could not be put in their places.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The folder cannot be created.
    #[error("cannot create the folder `{}`: {source}", .path.display())]
    Create {
        /// The path that was given.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`: {source}; no file of this run was left there", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The user interrupted the writing.
    #[error("interrupted while writing `{}`; no file of this run was left there", .path.display())]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
}

/// The files of a run.
pub const RUN_FILES: [&str; 4] = [
    "summary.json",
    "percentiles.csv",
    "scenario.toml",
    "outcomes.csv",
];

/// A folder for results. The folders that were created for it and stay empty are removed again when this is dropped.
#[derive(Debug)]
#[must_use = "dropped, it removes the folder if that is empty"]
pub struct PreparedFolder {
    /// The folders that were not there, innermost first.
    created: Vec<PathBuf>,
}

impl Drop for PreparedFolder {
    fn drop(&mut self) {
        for folder in &self.created {
            // Refused for a folder that holds anything.
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

/// Makes sure that files of these names can be written to a folder, creating it if need be; worth asking before a long
/// simulation.
///
/// # Errors
/// As of [`write_folder`].
pub fn prepare_folder(folder: &Path, names: &[&str]) -> Result<PreparedFolder, FolderError> {
    if folder.exists() && !folder.is_dir() {
        return Err(FolderError::NotAFolder {
            path: folder.to_owned(),
        });
    }
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let prepared = PreparedFolder {
        created: folder
            .ancestors()
            .take_while(missing)
            .map(Path::to_owned)
            .collect(),
    };
    fs::create_dir_all(folder).map_err(|source| FolderError::Create {
        path: folder.to_owned(),
        source,
    })?;
    for name in names {
        let path = folder.join(name);
        is_free(&path).map_err(|source| FolderError::Taken { path, source })?;
    }
    // Dropped at once, which removes it.
    let probe = folder.join(".probe");
    WholeFile::create(&probe).map_err(|source| FolderError::Write {
        path: folder.to_owned(),
        source,
    })?;
    Ok(prepared)
}

/// Writes the four files of a run. All are complete on the disk before the first is put in its place.
///
/// # Errors
/// [`FolderError`]; files that an earlier run left there are then untouched.
pub fn write_folder(
    folder: &Path,
    table: &OutcomeTable,
    summary: &Summary,
    interrupted: &AtomicBool,
) -> Result<(), FolderError> {
    // Interrupted or failed, a folder that was created here is removed again after the partial files.
    let _prepared = prepare_folder(folder, &RUN_FILES)?;
    let summary_text = json::render(summary);
    let mut files = Vec::new();
    let mut write = |name: &str, fill: &dyn Fn(&mut WholeFile) -> Result<(), WriteError>| {
        let path = folder.join(name);
        let written = WholeFile::create(&path)
            .map_err(WriteError::Io)
            .and_then(|mut file| {
                if interrupted.load(Ordering::Relaxed) {
                    return Err(WriteError::Interrupted);
                }
                fill(&mut file)?;
                file.close()?;
                Ok(file)
            });
        match written {
            Ok(file) => {
                files.push(file);
                Ok(())
            }
            Err(WriteError::Interrupted) => Err(FolderError::Interrupted { path }),
            Err(WriteError::Io(source)) => Err(FolderError::Write { path, source }),
        }
    };
    write("summary.json", &|file| {
        Ok(file.write_all(summary_text.as_bytes())?)
    })?;
    write("percentiles.csv", &|file| {
        Ok(file.write_all(percentiles_text(table).as_bytes())?)
    })?;
    write("scenario.toml", &|file| {
        Ok(file.write_all(summary.scenario.as_bytes())?)
    })?;
    write("outcomes.csv", &|file| {
        write_outcomes(table, file, interrupted)
    })?;
    put_all_in_place(files)?;
    Ok(())
}

/// Writes files of these names and texts. All are complete on the disk before the first is put in its place.
///
/// # Errors
/// [`FolderError`]; files that stood there are then untouched.
pub fn write_texts(
    folder: &Path,
    texts: &[(&str, &str)],
    interrupted: &AtomicBool,
) -> Result<(), FolderError> {
    let names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
    let _prepared = prepare_folder(folder, &names)?;
    let mut files = Vec::with_capacity(texts.len());
    for (name, text) in texts {
        let path = folder.join(name);
        if interrupted.load(Ordering::Relaxed) {
            return Err(FolderError::Interrupted { path });
        }
        let written = WholeFile::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.close()?;
            Ok(file)
        });
        files.push(written.map_err(|source| FolderError::Write { path, source })?);
    }
    if interrupted.load(Ordering::Relaxed) {
        return Err(FolderError::Interrupted {
            path: folder.to_owned(),
        });
    }
    Ok(put_all_in_place(files)?)
}

/// percentiles.csv: a row for hedged and unhedged P&L and each component, a column for each level.
fn percentiles_text(table: &OutcomeTable) -> String {
    let mut text = String::from("value");
    for level in ALL_LEVELS {
        text.push(',');
        text.push_str(&level.key());
    }
    text.push('\n');
    for (name, values) in percentile_table(table) {
        text.push_str(name);
        for value in values {
            text.push(',');
            push_number(&mut text, value);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summarise::{Detail, RunInfo, summarise};
    use crate::stats::synthetic::{plan, table};

    /// A folder of its own for one test, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("hedgesim-folder-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn run(paths: usize) -> (OutcomeTable, Summary) {
        let table = table(paths);
        let info = RunInfo {
            scenario: "title = \"x\"\n".into(),
            ..RunInfo::default()
        };
        let summary = summarise(
            &table,
            &plan(paths as u64, vec![]),
            Detail::Everything,
            &info,
        );
        (table, summary)
    }

    #[test]
    fn four_whole_files() {
        let scratch = Scratch::new("four");
        let (table, summary) = run(500);
        let inner = scratch.0.join("a/b");
        write_folder(&inner, &table, &summary, &AtomicBool::new(false)).unwrap();
        write_folder(&inner, &table, &summary, &AtomicBool::new(false)).unwrap(); // over the first
        let names: Vec<_> = fs::read_dir(&inner)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(
            fs::read_to_string(inner.join("scenario.toml")).unwrap(),
            "title = \"x\"\n"
        );
        let values: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(inner.join("summary.json")).unwrap()).unwrap();
        assert_eq!(values["paths"], 500);
        assert_eq!(
            fs::read_to_string(inner.join("outcomes.csv"))
                .unwrap()
                .lines()
                .count(),
            501
        );
        let percentiles = fs::read_to_string(inner.join("percentiles.csv")).unwrap();
        let mut lines = percentiles.lines();
        assert_eq!(
            lines.next().unwrap(),
            "value,p0.1,p0.5,p1,p5,p10,p25,p50,p75,p90,p95,p99,p99.5,p99.9"
        );
        let hedged: Vec<&str> = lines.next().unwrap().split(',').collect();
        let median: f64 = hedged[7].parse().unwrap();
        assert_eq!(
            Some(median),
            summary.hedged.percentiles.get("p50").unwrap().value
        );
        assert_eq!(lines.count(), 13);
    }

    #[test]
    fn an_interruption_leaves_nothing_and_keeps_what_was() {
        let scratch = Scratch::new("interrupted");
        fs::write(scratch.0.join("summary.json"), "old").unwrap();
        let (table, summary) = run(100);
        let found = write_folder(&scratch.0, &table, &summary, &AtomicBool::new(true));
        assert!(matches!(found, Err(FolderError::Interrupted { .. })));
        assert_eq!(scratch.names(), ["summary.json"]);
        assert_eq!(
            fs::read_to_string(scratch.0.join("summary.json")).unwrap(),
            "old"
        );
    }

    #[test]
    fn a_failure_in_the_middle_leaves_nothing() {
        let scratch = Scratch::new("middle");
        // A folder where the last file should be written first: its partial file cannot be created.
        let blocked = format!(".outcomes.csv.{}.partial", std::process::id());
        fs::create_dir(scratch.0.join(&blocked)).unwrap();
        let (table, summary) = run(100);
        let error =
            write_folder(&scratch.0, &table, &summary, &AtomicBool::new(false)).unwrap_err();
        assert!(error.to_string().contains("outcomes.csv"), "{error}");
        assert_eq!(scratch.names(), [blocked]);
    }

    #[test]
    fn a_folder_in_the_way_of_a_file_changes_nothing() {
        let scratch = Scratch::new("in-the-way");
        let (table, summary) = run(100);
        fs::write(scratch.0.join("summary.json"), "old").unwrap();
        fs::create_dir(scratch.0.join("outcomes.csv")).unwrap();
        let error =
            write_folder(&scratch.0, &table, &summary, &AtomicBool::new(false)).unwrap_err();
        assert!(matches!(error, FolderError::Taken { .. }), "{error}");
        assert_eq!(scratch.names(), ["outcomes.csv", "summary.json"]);
        assert_eq!(
            fs::read_to_string(scratch.0.join("summary.json")).unwrap(),
            "old"
        );
    }

    #[test]
    fn a_folder_that_stays_empty_is_removed_again() {
        let scratch = Scratch::new("empty");
        drop(prepare_folder(&scratch.0.join("a/b"), &RUN_FILES).unwrap());
        assert_eq!(scratch.names(), [""; 0]);
        drop(prepare_folder(&scratch.0, &RUN_FILES).unwrap());
        assert!(scratch.0.exists(), "it was there before");
        let (table, summary) = run(100);
        let inner = scratch.0.join("a/b");
        write_folder(&inner, &table, &summary, &AtomicBool::new(true)).unwrap_err();
        assert_eq!(scratch.names(), [""; 0]);
    }

    #[test]
    fn a_file_is_no_folder() {
        let scratch = Scratch::new("file");
        let path = scratch.0.join("results");
        fs::write(&path, "mine").unwrap();
        let error = prepare_folder(&path, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{}` is not a folder; results need a folder of their own",
                path.display()
            )
        );
        assert!(matches!(
            prepare_folder(&path.join("inner"), &[]),
            Err(FolderError::Create { .. })
        ));
    }
}
