//! Why a command did not end well, and with which exit code.

use std::io;

use hedgesim::engine::run::SimulationError;
use hedgesim::report::folder::FolderError;

use crate::cli::output::tell;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments or a file are wrong; the whole message, drawn.
    Refused(String),
    /// Done, and a limit that the user set is broken.
    LimitBroken,
    /// Somebody asked to stop.
    Interrupted,
    /// Nobody reads the output any more.
    NoReader,
    /// Anything else.
    Other(String),
}

impl Failure {
    /// An error of the arguments, in one line.
    pub(crate) fn refused(message: &str) -> Self {
        Self::Refused(format!("error: {message}\n"))
    }

    /// The same under a line that says of what it is.
    pub(crate) fn under(self, head: &str) -> Self {
        match self {
            Self::Refused(message) => Self::Refused(format!("{head}\n\n{message}")),
            other => other,
        }
    }

    /// An error while printing.
    pub(crate) fn from_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::NoReader
        } else {
            Self::Other(format!("cannot write to standard output: {error}"))
        }
    }

    /// Tells the user, on standard error.
    pub(crate) fn tell(&self) {
        match self {
            Self::Refused(message) => tell(message),
            Self::Other(message) => tell(&format!("error: {message}\n")),
            Self::Interrupted => tell("interrupted; nothing was written\n"),
            Self::LimitBroken | Self::NoReader => {}
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoReader => 0,
            Self::Other(_) => 1,
            Self::Refused(_) => 2,
            Self::LimitBroken => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<SimulationError> for Failure {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Interrupted => Self::Interrupted,
            SimulationError::OutOfMemory { .. } => Self::refused(&error.to_string()),
        }
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Interrupted { .. } => Self::Interrupted,
            FolderError::NotAFolder { .. } | FolderError::Taken { .. } => {
                Self::refused(&error.to_string())
            }
            FolderError::Create { .. } | FolderError::Write { .. } | FolderError::Put(_) => {
                Self::Other(error.to_string())
            }
        }
    }
}
