//! What if: a plan under historical episodes, hypothetical shocks and the smallest moves that hurt; and what its own worst paths share.

mod back;
pub mod coins;
pub mod course;
pub mod episode;
mod episode_file;
pub mod history;
pub mod hypothetical;
mod instant;
pub mod maintenance;
pub mod moments;
pub mod outcome;
pub mod resimulated;
pub mod results;
pub mod reverse;
pub mod settings;
pub mod tail;
