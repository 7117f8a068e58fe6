//! Reads a text with the help of those that were read before.

use super::beginnings::{Beginnings, MAX_PASSAGE_BYTES, Reached};
use super::dialect::Rules;
use super::lexer::Lexer;
use super::marks::{Class, class, ends_operator};
use super::quoting::find_close;
use super::stream::Stream;
use crate::model::sql::Dialect;

/// Operators of two marks that no name, comment or value begins with.
const PLAIN_OPERATORS: [[u8; 2]; 7] = [*b"<=", *b">=", *b"<>", *b"!=", *b"||", *b"::", *b"->"];

/// Writes the tokens of `sql` to `stream`, by the rules of `dialect`. What is as in texts before is not read again.
pub(super) fn lex_known(
    sql: &[u8],
    dialect: Dialect,
    stream: &mut Stream,
    beginnings: &mut Beginnings,
) {
    let mut lexer = Lexer::new(sql, Rules::of(dialect), stream);
    lexer.leading_comments();
    let start = lexer.at;
    if let Some(reached) = beginnings.resume(sql, start, dialect, lexer.stream) {
        lexer.at = reached.at;
        lexer.go_on(beginnings, reached);
    } else {
        lexer.run_plain(start);
        beginnings.keep(&lexer, start, dialect);
    }
    lexer.run();
}

impl Lexer<'_> {
    /// Reads the comments before a statement, which are as good as none to it; not those that are code.
    fn leading_comments(&mut self) {
        while let [b'/', b'*', mark, ..] = self.sql[self.at..]
            && !matches!(mark, b'+' | b'!' | b'M')
        {
            self.block_comment();
            let blank = self.sql[self.at..].iter().take_while(|b| **b == b' ');
            self.at += blank.count();
        }
    }

    /// Reads the value behind what is known of a text and what follows it, so that it is known of the next such text.
    fn go_on(&mut self, known: &mut Beginnings, reached: Reached) {
        let Some(value) = known.value_behind(self.sql, reached) else {
            return;
        };
        self.token(self.sql[self.at]);
        let parameters = self.stream.parameters.len();
        if self.at == value.end {
            self.run_plain(value.end);
            known.keep_behind(reached, &value, (self, parameters));
        }
    }

    /// Reads on from `start` as long as tokens are plain, and not for ever.
    fn run_plain(&mut self, start: usize) {
        while let Some(&byte) = self.sql.get(self.at) {
            if self.at - start >= MAX_PASSAGE_BYTES || !self.is_plain(byte) {
                return;
            }
            self.token(byte);
        }
    }

    /// Whether the token that starts with `byte` tells no value, and the byte behind it is all that it depends on beside
    /// what stands before.
    fn is_plain(&self, byte: u8) -> bool {
        let next = self.peek(1);
        match class(byte) {
            Class::Space => true,
            Class::Digit => false,
            Class::Word => {
                let behind = self.sql.get(self.word_end(self.at));
                !matches!(behind, Some(b'\'' | b'"' | b'&'))
            }
            Class::Other if matches!(byte, b'(' | b')') => true,
            Class::Other if ends_operator(next) => {
                PLAIN_OPERATORS.contains(&[byte, next]) && !ends_operator(self.peek(2))
            }
            Class::Other => match byte {
                b'`' => find_close(self.sql, self.at + 1, b'`', false).2,
                b'.' => !next.is_ascii_digit(),
                b'$' => next.is_ascii_digit(),
                _ => b",=*+-/<>?".contains(&byte),
            },
        }
    }
}
