//! The report for programs, written as it is made: of 100,000 statements one is in memory.

use std::cell::Cell;
use std::io::{self, Write};

use serde::ser::{Serialize, Serializer};

use super::{Failed, Found, OperationTold, Query, Source};

/// Version of the document: fields may be added, none renamed.
const VERSION: u32 = 1;

#[derive(serde::Serialize)]
#[serde(bound(serialize = "Q: Iterator<Item = Query>, F: Iterator<Item = Found>"))]
struct Document<'a, Q, F> {
    version: u32,
    source: &'a Source,
    queries: Items<Q>,
    findings: Items<F>,
    errors: &'a [Failed],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    operations: &'a [OperationTold],
}

/// An iterator that is written once.
struct Items<I>(Cell<Option<I>>);

impl<I: Iterator<Item: Serialize>> Serialize for Items<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}

/// What a document tells beside its source.
#[derive(Debug)]
pub struct Body<Q, F> {
    /// Statements, the costliest first.
    pub queries: Q,
    /// What is wrong.
    pub findings: F,
    /// Errors by family.
    pub errors: Vec<Failed>,
    /// Operations of traces.
    pub operations: Vec<OperationTold>,
}

/// Writes the document.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write_json(
    out: impl Write,
    source: &Source,
    body: Body<impl Iterator<Item = Query>, impl Iterator<Item = Found>>,
) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        source,
        queries: Items(Cell::new(Some(body.queries))),
        findings: Items(Cell::new(Some(body.findings))),
        errors: &body.errors,
        operations: &body.operations,
    };
    serde_json::to_writer(out, &document).map_err(io::Error::from)
}
