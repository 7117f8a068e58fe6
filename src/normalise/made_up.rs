//! Names that drivers make up and that tell nothing: prepared statements, savepoints, cursors.

use super::rewrite::Pass;
use super::token::{Kind, Token};

/// Verbs whose object is such a name.
const NAMED_BY_DRIVERS: [&str; 5] = ["prepare", "deallocate", "execute", "savepoint", "release"];

impl<'a> Pass<'a, '_> {
    /// Whether `token` is such a name; a placeholder takes its place.
    pub(super) fn made_up(&mut self, token: &Token<'a>) -> bool {
        if !matches!(token.kind, Kind::Name | Kind::Literal | Kind::Keyword) {
            return false;
        }
        let statement = &self.out[self.statement.min(self.out.len())..];
        let named = match statement {
            [verb] if verb.is_any(&NAMED_BY_DRIVERS) => !token.is_word("immediate"),
            [drop, prepare] if prepare.is("prepare") => drop.is_any(&["deallocate", "drop"]),
            [.., release, savepoint] if savepoint.is("savepoint") => {
                release.is_any(&["release", "to"])
            }
            [rollback, .., to] if rollback.is("rollback") => to.is("to"),
            // A value without quotes.
            [set, names] if names.is_word("names") => set.is("set"),
            [.., set_var, _, _, equals] if set_var.is_word("set_var") => equals.is_sign("="),
            _ => !token.is_literal() && self.is_cursor(statement),
        };
        let verb_follows = token.is_any(&["prepare", "savepoint", "all"]);
        if !named || verb_follows {
            return false;
        }
        if self.last_is(|t| t.is("in")) {
            self.out.pop();
            self.out.push(Token::new(Kind::Keyword, "from"));
        }
        self.at += 1;
        self.out.push(Token::LITERAL);
        true
    }

    /// `DECLARE c ... CURSOR`, `FETCH ... FROM c`, `MOVE`, `CLOSE c`, `WHERE CURRENT OF c`.
    fn is_cursor(&self, statement: &[Token<'a>]) -> bool {
        let ends = |ahead| {
            self.next(ahead)
                .is_none_or(|t| t.is_sign(";") || t.is("into"))
        };
        match statement {
            [verb] if verb.is("declare") => {
                (1..=6).any(|ahead| self.next_is(ahead, |t| t.is_word("cursor")))
            }
            [verb] if verb.is_word("close") || verb.is_word("open") => ends(1),
            [verb, ..] if verb.is("fetch") || verb.is_word("move") => {
                ends(1) && statement.len() < 5
            }
            [.., current, of] => current.is_word("current") && of.is_word("of"),
            _ => false,
        }
    }
}
