//! Words, names and signs of one DDL statement.

/// More tokens than a statement of the largest size that anybody writes.
const MAX_TOKENS: usize = 200_000;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: a keyword or a name.
    Word,
    /// A quoted name.
    Quoted,
    /// A literal; its text is not kept.
    Literal,
    Number,
    Sign,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// The tokens of one statement.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if found.len() >= MAX_TOKENS {
            break;
        }
        let length = match first {
            c if c.is_whitespace() => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            '\'' => quoted(rest, '\'').1,
            '`' | '"' => {
                let (name, length) = quoted(rest, first);
                found.push(token(Kind::Quoted, name));
                rest = &rest[length..];
                continue;
            }
            c if c.is_ascii_digit() => end(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            c if is_word(c) => end(rest, is_word),
            c => c.len_utf8(),
        };
        let (text, tail) = rest.split_at(length);
        found.push(match first {
            '\'' => token(Kind::Literal, String::new()),
            c if c.is_ascii_digit() => token(Kind::Number, text.to_owned()),
            c if is_word(c) => token(Kind::Word, text.to_owned()),
            _ => token(Kind::Sign, text.to_owned()),
        });
        rest = tail;
    }
    found
}

fn token(kind: Kind, text: String) -> Token {
    Token { kind, text }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn end(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The text between quotes, doubled ones undone, and the length with quotes. Backslashes matter in literals alone,
/// whose text nobody reads; dumps double a quote, so a backslash before the last one of a literal escapes nothing.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut inner = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '\'' && !ends_literal(&text[at + 1..]) {
            chars.next();
        } else if c != quote {
            inner.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            inner.push(quote);
        } else {
            return (inner, at + 1);
        }
    }
    (inner, text.len())
}

/// Whether a quote follows, and then what can only stand outside.
fn ends_literal(text: &str) -> bool {
    let behind = text.strip_prefix('\'').map(|rest| rest.chars().next());
    behind
        .is_some_and(|next| next.is_none_or(|c| c.is_whitespace() || matches!(c, ',' | ')' | ';')))
}

/// Reads tokens from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [Token],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(rest: &'a [Token]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.rest.first()
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Whether the next words are these.
    pub(super) fn sees(&self, words: &str) -> bool {
        let mut tokens = self.rest.iter();
        words.split(' ').all(|word| {
            tokens.next().is_some_and(|t| {
                matches!(t.kind, Kind::Word | Kind::Sign) && t.text.eq_ignore_ascii_case(word)
            })
        })
    }

    /// Takes these words if they come next.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let seen = self.sees(words);
        if seen {
            self.rest = &self.rest[words.split(' ').count()..];
        }
        seen
    }

    /// Takes any of these words.
    pub(super) fn eat_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(word))
    }

    /// Whether any of the next `count` tokens is this word.
    pub(super) fn has_word(&self, word: &str, count: usize) -> bool {
        let ahead = self.rest.iter().take(count);
        ahead
            .into_iter()
            .any(|t| t.kind == Kind::Word && t.text.eq_ignore_ascii_case(word))
    }

    pub(super) fn name(&mut self) -> Option<&'a str> {
        let token = self
            .peek()
            .filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted))?;
        self.next();
        Some(&token.text)
    }

    /// `name` or `namespace.name`, the last two parts.
    pub(super) fn qualified(&mut self) -> Option<(Option<&'a str>, &'a str)> {
        let mut name = self.name()?;
        let mut namespace = None;
        while self.sees(".") {
            self.next();
            namespace = Some(std::mem::replace(&mut name, self.name()?));
        }
        Some((namespace, name))
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let token = self.peek().filter(|t| t.kind == Kind::Number)?;
        self.next();
        token.text.parse().ok()
    }

    /// What stands between the parenthesis that comes next and its end.
    pub(super) fn group(&mut self) -> Option<Cursor<'a>> {
        if !self.sees("(") {
            return None;
        }
        let mut depth = 0_usize;
        for (at, token) in self.rest.iter().enumerate() {
            match (token.kind, token.text.as_str()) {
                (Kind::Sign, "(") => depth += 1,
                (Kind::Sign, ")") => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                let inner = Cursor::new(&self.rest[1..at]);
                self.rest = &self.rest[at + 1..];
                return Some(inner);
            }
        }
        None
    }

    /// The parts between commas outside parentheses.
    pub(super) fn items(self) -> impl Iterator<Item = Cursor<'a>> {
        let mut depth = 0_usize;
        let split = self.rest.split(move |token| {
            match (token.kind, token.text.as_str()) {
                (Kind::Sign, "(") => depth += 1,
                (Kind::Sign, ")") => depth = depth.saturating_sub(1),
                (Kind::Sign, ",") => return depth == 0,
                _ => {}
            }
            false
        });
        split.filter(|part| !part.is_empty()).map(Cursor::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_quotes_protect() {
        let found = tokens("`a``b` \"c d\" E'x\\'y' 10.5 ::");
        let texts: Vec<_> = found.iter().map(|t| (t.kind, t.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                (Kind::Quoted, "a`b"),
                (Kind::Quoted, "c d"),
                (Kind::Word, "E"),
                (Kind::Literal, ""),
                (Kind::Number, "10.5"),
                (Kind::Sign, ":"),
                (Kind::Sign, ":"),
            ]
        );
    }

    #[test]
    fn a_backslash_may_end_a_literal() {
        let kinds = |text| tokens(text).iter().map(|t| t.kind).collect::<Vec<_>>();
        let word = [Kind::Word, Kind::Literal, Kind::Word, Kind::Word];
        assert_eq!(kinds("DEFAULT 'C:\\' NOT NULL"), word);
        assert_eq!(kinds("DEFAULT 'it\\'s' NOT NULL"), word);
    }

    #[test]
    fn a_group_that_does_not_end_is_none() {
        let found = tokens("(a, (b, c), d) (e");
        let mut cursor = Cursor::new(&found);
        let items: Vec<_> = cursor.group().unwrap().items().collect();
        assert_eq!(items.len(), 3);
        assert!(cursor.group().is_none());
    }
}
