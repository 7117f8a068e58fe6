//! What a statement does and which tables it names, where no parser says: by its first words.

use super::token::{Kind, Token};
use crate::model::sql::{Parsed, Shape, StatementKind, TableName};

/// Words between a verb and the tables that it is about.
const FILLERS: [&str; 30] = [
    "table",
    "tables",
    "view",
    "materialized",
    "concurrently",
    "local",
    "no_write_to_binlog",
    "full",
    "freeze",
    "verbose",
    "analyze",
    "if",
    "exists",
    "not",
    "only",
    "low_priority",
    "create",
    "columns",
    "fields",
    "index",
    "indexes",
    "keys",
    "extended",
    "from",
    "in",
    "status",
    "quick",
    "fast",
    "partial",
    "using",
];

/// Verbs whose objects are tables.
const VERBS: [&str; 13] = [
    "optimize", "check", "repair", "checksum", "analyze", "lock", "vacuum", "cluster", "refresh",
    "handler", "copy", "desc", "describe",
];

/// Verbs of statements of which kind and tables are all that there is to know, unless they hold a query.
const PLAIN_VERBS: [&str; 58] = [
    "abort",
    "alter",
    "analyze",
    "begin",
    "binlog",
    "call",
    "change",
    "check",
    "checkpoint",
    "checksum",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "fetch",
    "flush",
    "grant",
    "handler",
    "import",
    "install",
    "kill",
    "listen",
    "load",
    "lock",
    "move",
    "notify",
    "optimize",
    "prepare",
    "purge",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "rename",
    "repair",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "set",
    "show",
    "start",
    "stop",
    "truncate",
    "uninstall",
    "unlisten",
    "vacuum",
    "xa",
];

/// Whether the statement holds no query, so that its words say all of it. To grant SELECT is no query.
pub(super) fn asks_nothing(tokens: &[Token<'_>]) -> bool {
    let Some(verb) = tokens.first() else {
        return false;
    };
    let is_plain = PLAIN_VERBS.iter().any(|word| verb.is_word(word));
    let grants = tokens
        .iter()
        .take(16)
        .any(|t| t.is_any(&["grant", "revoke"]));
    is_plain && (grants || !tokens.iter().any(|t| t.is("select")))
}

/// What is known of a statement that no parser reads.
pub(super) fn unparsed(
    why: &str,
    kind: StatementKind,
    tables: Vec<TableName>,
    asks_nothing: bool,
) -> Parsed {
    if asks_nothing && why == "syntax" {
        return Parsed::Shape(Box::new(Shape {
            kind,
            tables,
            ..Shape::default()
        }));
    }
    let why = why.to_owned();
    Parsed::Opaque { why, kind, tables }
}

/// What the statement does, by its first keyword or the one behind its CTEs.
pub(super) fn kind(tokens: &[Token<'_>]) -> StatementKind {
    let mut depth = 0_usize;
    let with = tokens
        .iter()
        .find(|t| t.kind == Kind::Keyword)
        .is_some_and(|t| t.is("with"));
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        }
        let word = matches!(token.kind, Kind::Keyword | Kind::Name);
        if !word || (with && depth > 0) {
            continue;
        }
        let found = kind_of_word(&token.text, &tokens[index + 1..]);
        if found.is_some() || !with {
            return found.unwrap_or_default();
        }
    }
    StatementKind::Utility
}

fn kind_of_word(word: &str, rest: &[Token<'_>]) -> Option<StatementKind> {
    let next_is = |word: &str| rest.first().is_some_and(|t| t.is_word(word));
    Some(match word {
        "select" | "values" | "table" | "handler" => StatementKind::Select,
        "insert" | "load" => StatementKind::Insert,
        "copy" if rest.iter().any(|t| t.is("to")) => StatementKind::Select,
        "copy" => StatementKind::Insert,
        "update" => StatementKind::Update,
        "delete" => StatementKind::Delete,
        "replace" => StatementKind::Replace,
        "merge" => StatementKind::Merge,
        "call" | "exec" => StatementKind::Call,
        "create" | "alter" | "drop" if !next_is("prepare") => StatementKind::Ddl,
        "truncate" | "rename" => StatementKind::Ddl,
        "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" | "xa" | "abort"
        | "end" => StatementKind::Transaction,
        "prepare" | "set" if next_is("transaction") => StatementKind::Transaction,
        _ => return None,
    })
}

/// Tables of a maintenance statement: the names behind its verb; `None` where it is no such statement.
pub(super) fn utility_tables(tokens: &[Token<'_>]) -> Option<Vec<String>> {
    let verb = tokens.first()?;
    let says = |words: &[&str]| {
        let head = tokens.iter().take(4);
        head.skip(1)
            .any(|t| words.iter().any(|word| t.is_word(word)))
    };
    let about_tables = match &*verb.text {
        "show" => says(&["create", "columns", "fields", "index", "indexes", "keys"]),
        "flush" | "reindex" => says(&["table", "tables"]),
        word => VERBS.contains(&word) && verb.kind != Kind::Literal,
    };
    if !about_tables {
        return None;
    }
    let mut at = 1;
    while let Some(token) = tokens.get(at) {
        let filler = FILLERS.iter().any(|word| token.is_word(word));
        if token.is_sign("(") {
            at += tokens[at..].iter().take_while(|t| !t.is_sign(")")).count();
        } else if !filler {
            break;
        }
        at += 1;
    }
    let mut tables = names(tokens.get(at..).unwrap_or_default());
    tables.sort_unstable();
    tables.dedup();
    (!tables.is_empty()).then_some(tables)
}

/// `a, s.b READ, c (x)`: the names, without what stands behind each.
fn names(tokens: &[Token<'_>]) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names: Vec<String> = Vec::new();
    let mut expected = true;
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is_sign(",") {
            expected = true;
        } else if depth == 0 && token.is_name() && expected {
            names.push(token.text.to_string());
            expected = false;
        } else if depth == 0 && token.is_name() && index > 0 && tokens[index - 1].is_sign(".") {
            if let Some(name) = names.last_mut() {
                name.push('.');
                name.push_str(&token.text);
            }
        } else if depth == 0 && expected && token.kind == Kind::Keyword {
            return names;
        }
    }
    names
}
