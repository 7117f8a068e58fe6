//! From a token stream to a canonical statement: its tokens, its two identities and its template.
//!
//! ```text
//! stream ─► decode ─► repair (cut texts) ─► strip parentheses ─► rewrite ─► rename aliases ─► fold repeats ─► hash, render
//! ```

use xxhash_rust::xxh3::Xxh3;

use super::alias::rename_aliases;
use super::fold::fold;
use super::parens::strip;
use super::render::{Style, render};
use super::rewrite::rewrite;
use super::settings::NamePatterns;
use super::token::{Kind, Token, decode};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, SetOps, StatementKind};

/// Keywords that end a predicate clause.
const PREDICATE_ENDS: [&str; 23] = [
    "group",
    "order",
    "limit",
    "having",
    "union",
    "except",
    "intersect",
    "minus",
    "for",
    "returning",
    "window",
    "offset",
    "fetch",
    "lock",
    "join",
    "left",
    "right",
    "cross",
    "full",
    "natural",
    "set",
    "where",
    "straight_join",
];

/// What the tokens alone say of a statement.
#[derive(Debug)]
pub(super) struct Canonical {
    /// Identity.
    pub(super) fingerprint: FingerprintId,
    /// Identity without predicates.
    pub(super) loose: FingerprintId,
    /// Redacted text for people.
    pub(super) template: String,
    /// Redacted text for the parser.
    pub(super) parser_text: String,
    /// Number of its tokens.
    pub(super) tokens: usize,
    /// By the first keyword.
    pub(super) kind: StatementKind,
    /// Tables, by their place.
    pub(super) tables: Vec<String>,
    /// Set operations before folding.
    pub(super) set_ops: SetOps,
}

/// Reads an encoded stream.
pub(super) fn canonical(
    stream: &[u8],
    dialect: Dialect,
    cut: bool,
    patterns: &NamePatterns,
) -> Canonical {
    let text = String::from_utf8_lossy(stream);
    let mut tokens = decode(&text);
    if cut {
        repair(&mut tokens);
    }
    let tokens = rewrite(&strip(tokens, dialect), patterns);
    let (tokens, tables) = rename_aliases(&tokens);
    let (tokens, set_ops) = fold(&tokens);
    Canonical {
        fingerprint: hash(&tokens),
        loose: hash(&without_predicates(&tokens)),
        template: render(&tokens, Style::for_people(dialect)),
        parser_text: render(&tokens, Style::for_parser(dialect)),
        tokens: tokens.len(),
        kind: kind(&tokens),
        tables,
        set_ops,
    }
}

/// Closes what a cut left open, so that the text meets its family where nothing but values is missing.
fn repair(tokens: &mut Vec<Token<'_>>) {
    while tokens
        .last()
        .is_some_and(|t| !t.ends_operand() && !t.is_sign("*"))
    {
        tokens.pop();
    }
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") || token.is_sign("[") {
            open.push(index);
        } else if token.is_sign(")") || token.is_sign("]") {
            open.pop();
        }
    }
    // A row that was cut behind a whole one tells nothing.
    if let Some(&row) = open.last() {
        let behind_row = row >= 2 && tokens[row - 1].is_sign(",") && tokens[row - 2].is_sign(")");
        if behind_row {
            tokens.truncate(row - 1);
            open.pop();
        }
    }
    while let Some(index) = open.pop() {
        let close = if tokens[index].is_sign("(") { ")" } else { "]" };
        tokens.push(Token::new(Kind::Sign, close));
    }
}

/// Stable hash of the tokens: names and keywords count alike, quoted or not.
fn hash(tokens: &[Token<'_>]) -> FingerprintId {
    let mut hasher = Xxh3::new();
    for token in tokens {
        let class = match token.kind {
            Kind::Keyword | Kind::Name => b'w',
            Kind::Literal => b'?',
            Kind::Ordinal => b'n',
            Kind::Key => b'k',
            Kind::Sign => b's',
            Kind::HintOpen => b'h',
            Kind::HintClose => b'e',
        };
        hasher.update(&[class]);
        hasher.update(token.text.as_bytes());
        hasher.update(&[0]);
    }
    FingerprintId(hasher.digest())
}

/// The tokens outside every WHERE, ON and HAVING condition.
fn without_predicates<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut depth = 0_usize;
    let mut skipping: Option<usize> = None;
    for (index, token) in tokens.iter().enumerate() {
        let closes = token.is_sign(")") || token.is_sign("]");
        if closes {
            depth = depth.saturating_sub(1);
        }
        let ends = skipping.is_some_and(|at| {
            depth < at || (depth == at && (token.is_any(&PREDICATE_ENDS) || token.is_sign(";")))
        });
        if ends {
            skipping = None;
        }
        let upsert = tokens
            .get(index + 1)
            .is_some_and(|t| t.is_word("duplicate") || t.is_word("conflict"));
        let starts = token.is_any(&["where", "having"]) || (token.is("on") && !upsert);
        if skipping.is_none() && starts {
            skipping = Some(depth);
        }
        if skipping.is_none() {
            kept.push(token.clone());
        }
        if token.is_sign("(") || token.is_sign("[") {
            depth += 1;
        }
    }
    kept
}

/// What the statement does, by its first keyword or the one behind its CTEs.
fn kind(tokens: &[Token<'_>]) -> StatementKind {
    let mut depth = 0_usize;
    let with = tokens
        .iter()
        .find(|t| t.kind == Kind::Keyword)
        .is_some_and(|t| t.is("with"));
    for token in tokens {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        }
        let word = matches!(token.kind, Kind::Keyword | Kind::Name);
        if !word || (with && depth > 0) {
            continue;
        }
        let found = kind_of_word(&token.text);
        if found.is_some() || !with {
            return found.unwrap_or_default();
        }
    }
    StatementKind::Utility
}

fn kind_of_word(word: &str) -> Option<StatementKind> {
    Some(match word {
        "select" | "values" => StatementKind::Select,
        "insert" => StatementKind::Insert,
        "update" => StatementKind::Update,
        "delete" => StatementKind::Delete,
        "replace" => StatementKind::Replace,
        "merge" => StatementKind::Merge,
        "call" => StatementKind::Call,
        "create" | "alter" | "drop" | "truncate" | "rename" => StatementKind::Ddl,
        "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" => {
            StatementKind::Transaction
        }
        _ => return None,
    })
}
