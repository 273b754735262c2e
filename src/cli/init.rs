//! `hedgesim init`: a commented scenario to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use crate::cli::arguments::Init;
use crate::cli::failure::Failure;
use crate::cli::output::tell;

/// The scenario that `init` writes.
const TEMPLATE: &str = include_str!("../scenario/template.toml");

/// Runs the command.
pub(crate) fn init(arguments: &Init) -> Result<(), Failure> {
    let file = &arguments.file;
    let name = file.display();
    if file.as_os_str() == "-" {
        return Err(Failure::refused(
            "init writes a file, not standard output; name one, such as hedge.toml",
        ));
    }
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Failure::refused(&format!("{name} exists already; nothing was written"))
            }
            _ => Failure::refused(&format!("cannot write {name}: {error}")),
        })?;
    open.write_all(TEMPLATE.as_bytes())
        .and_then(|()| open.sync_all())
        .map_err(|error| {
            // Not half a file: it was ours alone.
            let _ = std::fs::remove_file(file);
            Failure::Other(format!("cannot write {name}: {error}"))
        })?;
    tell(&format!(
        "wrote {name}; next: hedgesim check {name}, then hedgesim run {name}\n"
    ));
    Ok(())
}
