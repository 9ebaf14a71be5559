//! rescind finds leaked credentials, asks their issuers which are alive, and takes those out of service.
pub mod cli;
pub mod config;
pub mod detect;
pub mod diagnostic;
pub mod egress;
pub mod finding;
pub mod issuer;
pub mod progress;
pub mod report;
pub mod revoke;
pub mod rules;
pub mod secret;
pub mod source;
pub mod verify;
