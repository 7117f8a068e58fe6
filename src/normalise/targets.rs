//! Which names are columns of the table that a statement writes to: they are never those of a query that it reads.
//!
//! ```text
//! INSERT INTO t (a) SELECT ..   UPDATE t SET a = ..   ON CONFLICT (a) WHERE b   ON DUPLICATE KEY UPDATE a = VALUES(a)
//! ```

use super::token::Token;

/// Words that end a list of assignments.
const ENDS: [&str; 11] = [
    "where", "from", "on", "order", "limit", "when", "union", "select", "values", "with", "set",
];

/// What the names at some place are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Elsewhere,
    /// All are columns of the target.
    Columns,
    /// Left of an assignment: the same.
    Assigned,
    /// Right of an assignment.
    Value,
    /// Behind USING: columns of the tables on both sides.
    Shared,
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of one statement"
)]
struct Frame {
    place: Place,
    /// The statement is an INSERT.
    inserts: bool,
    /// The next parenthesis holds columns of the target.
    list_follows: bool,
    /// Behind ON CONFLICT.
    conflict: bool,
    /// Behind ON DUPLICATE KEY UPDATE.
    upserts: bool,
}

/// Names that are not looked up, or that are looked up in every table.
#[derive(Debug)]
pub(super) struct Targets {
    /// Whether each token is a column of the table that is written to.
    pub(super) written: Vec<bool>,
    /// Columns that tables are joined by, and that keep their names for it.
    pub(super) shared: Vec<usize>,
}

impl Targets {
    /// Finds them.
    pub(super) fn find(tokens: &[Token<'_>]) -> Self {
        let mut finder = Finder {
            tokens,
            frames: Vec::new(),
            top: Frame::default(),
            found: Self {
                written: vec![false; tokens.len()],
                shared: Vec::new(),
            },
        };
        for index in 0..tokens.len() {
            finder.step(index);
        }
        finder.found
    }
}

struct Finder<'t, 'a> {
    tokens: &'t [Token<'a>],
    frames: Vec<Frame>,
    top: Frame,
    found: Targets,
}

impl Finder<'_, '_> {
    fn step(&mut self, index: usize) {
        let tokens = self.tokens;
        let token = &tokens[index];
        let before = index.checked_sub(1).map(|at| &tokens[at]);
        if token.is_sign("(") {
            let inner = self.inside(index);
            self.top.list_follows &= before.is_some_and(|t| t.is("partition"));
            self.frames.push(std::mem::replace(&mut self.top, inner));
        } else if token.is_sign(")") {
            self.top = self.frames.pop().unwrap_or_default();
        } else if token.is_sign(",") && self.top.place == Place::Value {
            self.top.place = Place::Assigned;
        } else if (token.is_sign("=") || token.is_sign(":=")) && self.top.place == Place::Assigned {
            self.top.place = Place::Value;
        } else if token.is_name() && !token.is_word("do") {
            self.top.conflict |= token.is_word("conflict");
            match self.top.place {
                Place::Columns | Place::Assigned => self.found.written[index] = true,
                Place::Shared => self.found.shared.push(index),
                Place::Elsewhere | Place::Value => {}
            }
        } else {
            self.word(token, before);
        }
    }

    fn word(&mut self, token: &Token<'_>, before: Option<&Token<'_>>) {
        let top = &mut self.top;
        match &*token.text {
            "insert" | "replace" => {
                top.inserts = true;
                top.list_follows = before.is_some_and(|t| t.is("then"));
            }
            "into" => top.list_follows = true,
            "as" | "partition" => {}
            "set" => {
                *top = Frame {
                    place: Place::Assigned,
                    list_follows: false,
                    ..*top
                }
            }
            "update" if before.is_some_and(|t| t.is("key")) => {
                *top = Frame {
                    place: Place::Assigned,
                    upserts: true,
                    ..*top
                };
            }
            "where" if top.conflict => top.place = Place::Columns,
            "do" => {
                *top = Frame {
                    place: Place::Elsewhere,
                    conflict: false,
                    ..*top
                }
            }
            "returning" if top.inserts => top.place = Place::Columns,
            word if ENDS.contains(&word) || word == "returning" => {
                *top = Frame {
                    place: Place::Elsewhere,
                    list_follows: false,
                    ..*top
                };
            }
            ";" => *top = Frame::default(),
            _ => {}
        }
    }

    /// What stands in the parenthesis at `index`.
    fn inside(&self, index: usize) -> Frame {
        let before = index.checked_sub(1).map(|at| &self.tokens[at]);
        let is_query = self
            .tokens
            .get(index + 1)
            .is_some_and(|t| t.is_any(&["select", "with", "values"]));
        let after = |words: &[&str]| before.is_some_and(|t| words.iter().any(|w| t.is_word(w)));
        let lists = matches!(self.top.place, Place::Columns | Place::Assigned)
            || self.top.list_follows && !after(&["partition"])
            || self.top.upserts && after(&["values", "value"])
            || after(&["conflict"]);
        let place = if is_query {
            Place::Elsewhere
        } else if lists {
            Place::Columns
        } else if after(&["using"]) {
            Place::Shared
        } else {
            Place::Elsewhere
        };
        Frame {
            place,
            ..Frame::default()
        }
    }
}
