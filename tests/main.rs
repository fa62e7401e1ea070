//! What the component and its kit do, shown on real parts. Each module opens with what it is for.

mod contract;
mod harness;
mod support;
