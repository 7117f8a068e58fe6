//! Starts sqleuth: reads the command line and turns what happened into an exit code.

use std::process::ExitCode;

use clap::Parser;
use sqleuth::cli::{self, Cli};

/// Threads hand what they allocate to others, stage by stage: with the allocator of the C library a span costs a third
/// more (`tests/bench/otlp`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli::main(cli),
        Err(error) => cli::refuse(&error),
    }
}
