//! The real binary: on log files that the tests write themselves (`daemon`), and beside real servers (`servers`).
#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may panic and print; the switches of clippy.toml do not reach them"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "other processes keep their own time: patience is real"
)]
#![expect(unreachable_pub, reason = "modules of a test have no outside")]

mod daemon;
mod demo;
mod otlp;
mod servers;
mod support;
