//! `CAST(x AS t)`: the literal alone where one is cast, else `x::t` where that is the server's other spelling.

use super::rewrite::Pass;
use super::token::{Kind, Token};
use super::value::value_of_type;
use crate::model::sql::Dialect;

/// A CAST whose operand is being read.
#[derive(Debug)]
pub(super) struct Cast {
    /// Index of its AS.
    as_word: usize,
    /// Index behind its parenthesis.
    end: usize,
    /// Where it begins in what was written, and where its operand does.
    head: usize,
    operand: usize,
    /// It becomes `operand::type`; the operand in parentheses where it needs them.
    postfix: bool,
}

impl<'a> Pass<'a, '_> {
    /// The words of CAST itself.
    pub(super) fn cast_call(&mut self, token: &Token<'a>) -> bool {
        if self
            .casts
            .last()
            .is_some_and(|cast| cast.as_word == self.at)
        {
            return self.end_operand();
        }
        if !token.is("cast") || !self.next_is(1, |t| t.is_sign("(")) {
            return false;
        }
        let (open, end) = (self.at + 1, self.close_of(self.at + 1));
        let Some(as_word) = self.as_of(open, end) else {
            return false;
        };
        let after = self.tokens.get(end);
        let accessed = after.is_some_and(|t| t.is_sign("[") || t.is_sign("."));
        let postfix = self.dialect == Dialect::Postgres && !accessed;
        let head = self.out.len();
        if !postfix {
            self.out.push(token.clone());
        }
        if !postfix || !self.is_primary(open + 1, as_word) {
            self.out.push(Token::new(Kind::Sign, "("));
        }
        self.casts.push(Cast {
            as_word,
            end,
            head,
            operand: self.out.len(),
            postfix,
        });
        self.at += 2;
        true
    }

    /// The AS of the parentheses that open at `open`, if they are closed.
    fn as_of(&self, open: usize, end: usize) -> Option<usize> {
        let closed = self.tokens.get(end.checked_sub(1)?)?.is_sign(")");
        let mut at = open + 1;
        while closed && at < end {
            let token = &self.tokens[at];
            if token.is("as") {
                return Some(at);
            }
            let opens = token.is_sign("(") || token.is_sign("[");
            at = if opens { self.close_of(at) } else { at + 1 };
        }
        None
    }

    fn end_operand(&mut self) -> bool {
        let Some(cast) = self.casts.pop() else {
            return false;
        };
        let types = &self.tokens[self.at + 1..cast.end - 1];
        if matches!(self.out.get(cast.operand..), Some([literal]) if literal.is_literal()) {
            self.out.truncate(cast.head);
            self.out.push(Token::literal(value_of_type(types)));
            self.at = cast.end;
            return true;
        }
        if !cast.postfix {
            return false;
        }
        if cast.operand > cast.head {
            self.out.push(Token::new(Kind::Sign, ")"));
        }
        self.out.push(Token::new(Kind::Sign, "::"));
        self.out.extend_from_slice(types);
        self.at = cast.end;
        true
    }

    /// Index behind the END of the CASE at `from`.
    fn end_of_case(&self, from: usize, to: usize) -> usize {
        let mut depth = 0_usize;
        let mut at = from;
        while at < to {
            let token = &self.tokens[at];
            at = if token.is_sign("(") {
                self.close_of(at)
            } else {
                at + 1
            };
            depth += usize::from(token.is("case"));
            if token.is("end") {
                depth = depth.saturating_sub(1);
            }
            if depth == 0 {
                break;
            }
        }
        at
    }

    /// Whether `::` behind `from..to` binds to all of it.
    fn is_primary(&self, from: usize, to: usize) -> bool {
        let Some(first) = self.tokens.get(from) else {
            return false;
        };
        let mut at = match first.kind {
            Kind::Name | Kind::Literal | Kind::Key => from + 1,
            Kind::Keyword if first.is_any(&["cast", "array"]) => from + 1,
            Kind::Keyword if first.is("case") => self.end_of_case(from, to),
            Kind::Keyword if first.ends_operand() && !first.is("end") => from + 1,
            Kind::Sign if first.is_sign("(") => self.close_of(from),
            _ => return false,
        };
        while at < to {
            let token = &self.tokens[at];
            at = if token.is_sign(".") {
                at + 2
            } else if token.is_sign("(") || token.is_sign("[") {
                self.close_of(at)
            } else if token.is_sign("::") {
                self.type_end(at + 1)
            } else {
                return false;
            };
        }
        at == to
    }
}
