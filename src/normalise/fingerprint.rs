//! From a token stream to a canonical statement: its tokens, its two identities and its template.
//!
//! ```text
//! stream ─► decode ─► repair (cut texts) ─► strip parentheses ─► rewrite ─► rename aliases ─► fold repeats ─► hash, render
//! ```

use xxhash_rust::xxh3::Xxh3;

use super::alias::rename_aliases;
use super::fold::fold;
use super::fold_names::fold_names;
use super::parens::strip;
use super::parser_text::{explained, for_parser};
use super::render::{Style, render};
use super::repair::repair;
use super::rewrite::rewrite;
use super::settings::NamePatterns;
use super::token::{Kind, Token, decode};
use super::utility::{asks_nothing, kind, utility_tables};
use super::value::signature;
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
    /// It asks for a plan, or names a query for later, and runs nothing.
    pub(super) explains: bool,
    /// It holds no query: kind and tables are all that there is to know of it.
    pub(super) asks_nothing: bool,
    /// Tables, by their place.
    pub(super) tables: Vec<String>,
    /// How its literals are written, in short.
    pub(super) values: u64,
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
    let mut tokens = rewrite(&strip(tokens, dialect), dialect);
    fold_names(&mut tokens, patterns);
    let (tokens, tables) = rename_aliases(&tokens);
    let (tokens, set_ops) = fold(&tokens);
    Canonical {
        fingerprint: hash(&tokens),
        // Branches that differed in their predicates alone repeat one another now.
        loose: hash(&fold(&without_predicates(&tokens)).0),
        template: render(&tokens, Style::for_people(dialect)),
        parser_text: render(&for_parser(&tokens), Style::for_parser(dialect)),
        tokens: tokens.len(),
        kind: kind(&tokens),
        explains: explained(&tokens).is_some(),
        asks_nothing: asks_nothing(&tokens),
        tables: utility_tables(&tokens).unwrap_or(tables),
        values: signature(&tokens),
        set_ops,
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
