//! `sqleuth fingerprint`: identities of the statements on standard input.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use crate::cli::{DialectChoice, Fingerprint, Output, load};
use crate::model::sql::Dialect;
use crate::normalise::{FingerprintOptions, Separator, fingerprint_stream};

/// Reads standard input to its end and prints a line per statement.
pub(super) fn fingerprint(options: &Fingerprint) -> anyhow::Result<ExitCode> {
    let config = load(options.config.config.as_deref())?;
    let choice = FingerprintOptions {
        dialect: match options.dialect {
            DialectChoice::Auto => None,
            DialectChoice::Mysql => Some(Dialect::Mysql),
            DialectChoice::Postgres => Some(Dialect::Postgres),
            DialectChoice::Generic => Some(Dialect::Generic),
        },
        separator: if options.null {
            Separator::Nul
        } else {
            Separator::Semicolon
        },
        json: options.format == Output::Json,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    fingerprint_stream(io::stdin().lock(), &mut out, &config.fingerprint, choice)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
