//! Runs `sqlparser` where it can do no harm: on a thread of its own, with a large stack and a deadline.
//!
//! A stack overflow aborts the process and cannot be caught; the parser's recursion limit does not count flat
//! chains. Hence the caps on the text, and 64 MiB of stack (only what is touched is ever backed by memory).

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use sqlparser::dialect::{Dialect as Grammar, GenericDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::{Parser, ParserError};

use super::shape::read_shape;
use crate::model::sql::{Dialect, Shape};

const STACK_BYTES: usize = 64 << 20;
/// Longer texts stay with the lexer.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// So do texts of more tokens.
const MAX_TOKENS: usize = 50_000;
/// sqlparser's own default is 50; nested subqueries use two to three each.
const RECURSION_LIMIT: usize = 100;
/// A text of the largest size takes some 50 ms.
const DEADLINE: Duration = Duration::from_secs(5);
/// Threads that did not come back; after so many, nothing is parsed any more.
const MAX_LOST_THREADS: u8 = 4;

/// Which rung of the ladder failed.
pub(super) type Why = &'static str;

#[derive(Debug)]
struct Job {
    text: String,
    dialect: Dialect,
}

/// The parser thread, started when first needed and again when lost.
#[derive(Debug, Default)]
pub(super) struct ParserThread {
    line: Option<Line>,
    lost: u8,
}

#[derive(Debug)]
struct Line {
    jobs: SyncSender<Job>,
    shapes: Receiver<Result<Shape, Why>>,
}

impl ParserThread {
    /// Parses redacted, folded text.
    pub(super) fn parse(
        &mut self,
        text: String,
        tokens: usize,
        dialect: Dialect,
    ) -> Result<Shape, Why> {
        if text.len() > MAX_TEXT_BYTES || tokens > MAX_TOKENS {
            return Err("too-long");
        }
        if self.lost >= MAX_LOST_THREADS {
            return Err("parser-lost");
        }
        if self.line.is_none() {
            self.line = start();
        }
        let Some(line) = &self.line else {
            return Err("no-thread");
        };
        let answer = match line.jobs.send(Job { text, dialect }) {
            Ok(()) => line.shapes.recv_timeout(DEADLINE),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        answer.unwrap_or_else(|error| {
            // The thread is left to itself: it ends when it next looks for work.
            self.line = None;
            if error == RecvTimeoutError::Timeout {
                self.lost += 1;
                return Err("timeout");
            }
            Err("parser-panic")
        })
    }
}

fn start() -> Option<Line> {
    let (jobs, inbox) = sync_channel::<Job>(1);
    let (outbox, shapes) = sync_channel(1);
    let work = move || {
        while let Ok(job) = inbox.recv() {
            if outbox.send(parse(&job.text, job.dialect)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("sql-parser".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .ok()
        .map(|_detached| Line { jobs, shapes })
}

/// The dialect's grammar, then the permissive one.
fn parse(text: &str, dialect: Dialect) -> Result<Shape, Why> {
    let (mysql, postgres, generic) = (MySqlDialect {}, PostgreSqlDialect {}, GenericDialect {});
    let ladder: [&dyn Grammar; 2] = match dialect {
        Dialect::Mysql => [&mysql, &generic],
        Dialect::Postgres => [&postgres, &generic],
        Dialect::Generic => [&generic, &mysql],
    };
    let mut why = "syntax";
    for grammar in ladder {
        let parsed = Parser::new(grammar)
            .with_recursion_limit(RECURSION_LIMIT)
            .try_with_sql(text)
            .and_then(|mut parser| parser.parse_statements());
        match parsed {
            Ok(statements) if statements.is_empty() => return Err("empty"),
            Ok(statements) => return Ok(read_shape(&statements)),
            Err(ParserError::RecursionLimitExceeded) => why = "too-deep",
            Err(_) => {}
        }
    }
    Err(why)
}
