//! Tests of the MOV simulator: it must be as strict as the real MOV.

mod asyncapi_rules;
mod forwarding;
mod notifications;
mod outages;
mod poison;
mod queries;
mod registration;
mod rest;
mod test_bed;
mod wire;
