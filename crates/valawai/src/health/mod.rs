//! The health of the component: the state of its consumers, and the file that reports it to other processes.

pub mod health_file;
pub mod heartbeat;
pub mod instance;
pub mod readiness;
pub mod status;
