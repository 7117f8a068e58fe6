//! Fingerprints statements that are in memory, over and over: what it takes without reading and writing.
//!
//! `lexer FILE PASSES`: the statements of the file are parted by NUL. `tests/bench/digest` measures it.

use std::io::Write;

use anyhow::Context;
use sqleuth::model::sql::Dialect;
use sqleuth::normalise::{Normaliser, Settings};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("which file?")?;
    let passes: u64 = arguments.next().context("how many passes?")?.parse()?;
    let text = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    let statements: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut all = 0_u64;
    for _ in 0..passes {
        for sql in &statements {
            let found = normaliser.statement(sql, Dialect::Mysql, false);
            all = all.rotate_left(1) ^ found.statement.fingerprint.0;
        }
    }
    // so that no compiler finds the work needless
    writeln!(std::io::stdout(), "{all:016x}")?;
    Ok(())
}
