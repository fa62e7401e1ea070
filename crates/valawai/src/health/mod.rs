//! Whether the component is healthy, and how others learn of it.

pub mod health_file;
pub mod instance;
pub mod status;
