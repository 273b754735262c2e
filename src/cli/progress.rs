//! A progress bar on standard error for long work; silent when that is no terminal.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hedgesim::engine::run::Watcher;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes less than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar over the paths of a simulation.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    shown: OnceLock<()>,
}

impl Progress {
    /// A bar that is not shown yet.
    pub(crate) fn new(paths: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(paths), ProgressDrawTarget::hidden());
        let template = "{wide_bar} {human_pos} of {human_len} paths, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            shown: OnceLock::new(),
        }
    }

    /// So many more paths are to come.
    pub(crate) fn extend(&self, paths: u64) {
        self.bar.inc_length(paths);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Progress {
    fn done(&self, paths: u64) {
        self.bar.inc(paths);
        if self.started.elapsed() > PATIENCE {
            self.shown
                .get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
    }
}
