//! Starts sqleuth: reads the command line and turns what happened into an exit code.

use std::process::ExitCode;

use clap::Parser;
use sqleuth::cli::{self, Cli};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli::main(cli),
        Err(error) => cli::refuse(&error),
    }
}
