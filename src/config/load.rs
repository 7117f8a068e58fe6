//! Reads a configuration and reports every problem at once.
//!
//! Deserialisation stops at its first error, so each error's entry is cut out of the syntax tree and what is left
//! is tried again, until nothing is wrong or nothing is left.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::sense::{self, Nonsense};

/// Prefix of environment variables that override keys: `SQLEUTH__LISTEN__HTTP` is `listen.http`.
pub const ENV_PREFIX: &str = "SQLEUTH__";

/// Spans of values from the environment start here, beyond any file.
const ENV_SPAN: usize = 1 << 40;

/// More problems than this help nobody.
const MAX_PROBLEMS: usize = 50;

/// A configuration file larger than this is surely something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What to write instead, by a sign of the complaint.
const HINTS: [(&str, &str); 7] = [
    ("duration format", r#"write it like "500ms", "10s" or "5m""#),
    (
        "socket address",
        r#"write an address and a port, like "127.0.0.1:7470""#,
    ),
    (
        "map, expected a sequence",
        "write its header with two brackets, like [[slow_log]]",
    ),
    ("IANA time zone", r#"write it like "Asia/Seoul" or "UTC""#),
    ("empty path", r#"write it like "/var/log/mysql/slow.log""#),
    (
        "log_line_prefix that",
        r#"give the server's own setting, like "%m [%p] %q%u@%d/%a ", or leave it out: it is learned from the log"#,
    ),
    ("without a pause", r#"write it like "200ms""#),
];

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `FILE:LINE`, or the environment variable.
    pub place: String,
    /// What is wrong, naming the key.
    pub what: String,
    /// What would be right.
    pub fix: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        match &self.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It can be read, but not understood; never empty.
    #[error("{}", display_all(.0))]
    Invalid(Vec<Problem>),
}

fn display_all(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Reads the file, if there is one, and lays the environment over it.
///
/// # Errors
/// [`LoadError::Invalid`] carries every problem that was found.
pub fn load(
    path: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, LoadError> {
    let text = match path {
        Some(path) => read(path).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?,
        None => String::new(),
    };
    let name = path.map_or_else(String::new, |p| p.display().to_string());
    parse(&name, &text, environment)
}

fn read(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!(
            "{size} bytes are too many for a configuration file"
        )));
    }
    std::fs::read_to_string(path)
}

/// Reads a configuration from text; `name` stands for the file in problems.
///
/// # Errors
/// [`LoadError::Invalid`] carries every problem that was found.
pub fn parse(
    name: &str,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, LoadError> {
    let source = Source::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problems = errors.iter().map(|e| source.problem(e, "")).collect();
        return Err(LoadError::Invalid(problems));
    }
    let mut overrides: Vec<_> = environment
        .into_iter()
        .filter(|(key, _)| key.starts_with(ENV_PREFIX))
        .collect();
    overrides.sort();
    let (source, table, problems) = source.with_environment(table.into_inner(), &overrides);
    deserialize(&source, table, problems)
}

fn deserialize(
    source: &Source<'_>,
    mut table: DeTable<'_>,
    mut problems: Vec<Problem>,
) -> Result<Config, LoadError> {
    let mut cuts: Vec<String> = Vec::new();
    let mut told: Vec<(String, String)> = Vec::new();
    loop {
        let whole = Spanned::new(0..source.text.len(), table.clone());
        let error = match Config::deserialize(toml::Deserializer::from(whole)) {
            Ok(config) => {
                problems.extend(source.nonsense(&config, &table));
                return if problems.is_empty() {
                    Ok(config)
                } else {
                    Err(LoadError::Invalid(problems))
                };
            }
            Err(error) => error,
        };
        let path = error.span().and_then(|span| cut(&mut table, &span));
        // it is missing because it was cut
        if cuts
            .iter()
            .any(|name| error.message() == format!("missing field `{name}`"))
        {
            if path.is_none() {
                return Err(LoadError::Invalid(problems));
            }
            continue;
        }
        let name = path.as_deref().and_then(|path| path.rsplit('.').next());
        cuts.extend(name.map(str::to_owned));
        let at = path.as_deref().unwrap_or("");
        // of a section that only a variable names, the key is cut first
        let is_again = told.iter().any(|(key, message)| {
            let inner = key
                .strip_prefix(at)
                .is_some_and(|rest| rest.starts_with('.'));
            inner && message == error.message()
        });
        if !is_again {
            problems.push(source.problem(&error, at));
        }
        told.push((at.to_owned(), error.message().to_owned()));
        if path.is_none() || problems.len() >= MAX_PROBLEMS {
            return Err(LoadError::Invalid(problems));
        }
    }
}

/// The text and where each of its lines starts, and the variables laid over it.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
    variables: Vec<String>,
}

impl<'a> Source<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        let variables = Vec::new();
        Self {
            name,
            text,
            variables,
        }
    }

    /// Puts `SQLEUTH__A__B=value` at `a.b`; a value that is no TOML value is taken as a string.
    fn with_environment<'t>(
        mut self,
        mut table: DeTable<'t>,
        overrides: &'t [(String, String)],
    ) -> (Self, DeTable<'t>, Vec<Problem>) {
        let mut problems = Vec::new();
        for (variable, value) in overrides {
            let at = ENV_SPAN + self.variables.len();
            let path: Vec<_> = variable[ENV_PREFIX.len()..]
                .split("__")
                .map(str::to_ascii_lowercase)
                .collect();
            let misplaced = put(&mut table, "", &path, value, at..at + 1).err();
            problems.extend(misplaced.map(|what| Problem {
                place: format!("environment variable {variable}"),
                what,
                fix: Some("give it in the file".to_owned()),
            }));
            self.variables.push(variable.clone());
        }
        (self, table, problems)
    }

    fn problem(&self, error: &toml::de::Error, path: &str) -> Problem {
        let message = error.message().lines().next().unwrap_or_default();
        let what = if path.is_empty() {
            message.to_owned()
        } else {
            format!("`{path}`: {message}")
        };
        Problem {
            place: self.place(error.span()),
            what,
            fix: suggestion(message),
        }
    }

    fn nonsense(&self, config: &Config, table: &DeTable<'_>) -> impl Iterator<Item = Problem> {
        let problem = |Nonsense { key, what, fix }: Nonsense| Problem {
            place: self.place(span_of(table, &key)),
            what: format!("`{key}`: {what}"),
            fix: Some(fix.to_owned()),
        };
        sense::nonsense(config).into_iter().map(problem)
    }

    fn place(&self, span: Option<Range<usize>>) -> String {
        let at = span.map_or(0, |span| span.start);
        if let Some(variable) = at.checked_sub(ENV_SPAN).and_then(|i| self.variables.get(i)) {
            return format!("environment variable {variable}");
        }
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        format!("{}:{line}", self.name)
    }
}

/// Puts a value where its path leads; says what is in the way.
fn put<'t>(
    table: &mut DeTable<'t>,
    parent: &str,
    path: &[String],
    value: &'t str,
    span: Range<usize>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    // `full_scan` in a variable name stands for the detector `full-scan`, which shells do not allow.
    let name = if parent == "detect" {
        first.replace('_', "-")
    } else {
        first.clone()
    };
    let key = Spanned::new(span.clone(), name.into());
    if rest.is_empty() {
        table.insert(key, Spanned::new(span, value_of(value)));
        return Ok(());
    }
    let entry = table
        .entry(key)
        .or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
    match entry.get_mut() {
        DeValue::Table(inner) => put(inner, first, rest, value, span),
        DeValue::Array(_) => Err(format!(
            "`{first}` is a list, which variables do not reach into"
        )),
        _ => Err(format!("`{first}` is no section")),
    }
}

/// Where the value stands that a dotted path leads to.
fn span_of(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = table.get(first)?;
    match value.get_ref() {
        DeValue::Table(inner) if !rest.is_empty() => span_of(inner, rest),
        _ => Some(value.span()),
    }
}

fn value_of(text: &str) -> DeValue<'_> {
    DeValue::parse(text).map_or_else(|_| DeValue::String(text.into()), Spanned::into_inner)
}

/// Cuts the smallest entry that an error's span points at out of the table; returns its dotted path.
fn cut(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let exact = |s: Range<usize>| s == *span;
    cut_where(table, &exact).or_else(|| {
        let around = |s: Range<usize>| s.start <= span.start && span.end <= s.end;
        cut_where(table, &around)
    })
}

fn cut_where(table: &mut DeTable<'_>, hit: &dyn Fn(Range<usize>) -> bool) -> Option<String> {
    for (key, value) in table.iter_mut() {
        let inner = match value.get_mut() {
            DeValue::Table(inner) => cut_where(inner, hit),
            DeValue::Array(items) => cut_item(items, hit),
            _ => None,
        };
        if let Some(inner) = inner {
            return Some(format!("{}.{inner}", key.get_ref()));
        }
    }
    let name = table
        .iter()
        .find(|(key, value)| hit(key.span()) || hit(value.span()) || hits_item(value, hit))
        .map(|(key, _)| key.get_ref().clone().into_owned())?;
    table.remove(name.as_str());
    Some(name)
}

fn cut_item(
    items: &mut toml::de::DeArray<'_>,
    hit: &dyn Fn(Range<usize>) -> bool,
) -> Option<String> {
    items.iter_mut().find_map(|item| match item.get_mut() {
        DeValue::Table(inner) => cut_where(inner, hit),
        _ => None,
    })
}

/// An array cannot lose one item, so it goes whole.
fn hits_item(value: &Spanned<DeValue<'_>>, hit: &dyn Fn(Range<usize>) -> bool) -> bool {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().any(|item| hit(item.span())),
        _ => false,
    }
}

/// ``unknown field `pth`, expected one of `path`, `format` `` → ``did you mean `path`?``
fn suggestion(message: &str) -> Option<String> {
    let known = HINTS.iter().find(|(sign, _)| message.contains(sign));
    if let Some((_, hint)) = known {
        return Some((*hint).to_owned());
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next().filter(|_| message.starts_with("unknown "))?;
    let known: Vec<&str> = words.collect();
    let (score, best) = known
        .iter()
        .map(|word| (strsim::jaro_winkler(unknown, word), *word))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.75).then(|| format!("did you mean `{best}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        match parse("sqleuth.toml", text, environment) {
            Err(LoadError::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
            other => panic!("expected problems, got {other:?}"),
        }
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_line() {
        let told = problems(
            "[general]\nlanguge = \"ko\"\nlanguage = \"fr\"\n\n[listen]\nhttp = \"nowhere\"\n\n[lisen]\na = 1\n",
            &[],
        );
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(
            told.iter().any(
                |p| p.starts_with("sqleuth.toml:2: ") && p.contains("did you mean `language`?")
            ),
            "{told:#?}"
        );
        assert!(
            told.iter()
                .any(|p| p.starts_with("sqleuth.toml:3: `general.language`")),
            "{told:#?}"
        );
        assert!(
            told.iter()
                .any(|p| p.starts_with("sqleuth.toml:6: `listen.http`")),
            "{told:#?}"
        );
        assert!(
            told.iter()
                .any(|p| p.starts_with("sqleuth.toml:8: ") && p.contains("did you mean `listen`?")),
            "{told:#?}"
        );
    }

    #[test]
    fn a_log_is_followed_once() {
        let log = "[[slow_log]]\npath = \"/var/log/slow.log\"\n";
        let told = problems(&format!("{log}{log}"), &[]);
        assert!(
            told[0].starts_with("sqleuth.toml:1: `slow_log`") && told[0].contains("twice"),
            "{told:#?}"
        );
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let environment = [("SQLEUTH__LISTEN__HTTP".to_owned(), "127.0.0.1:1".to_owned())];
        let config = parse("f", "[listen]\nhttp = \"127.0.0.1:2\"\n", environment).unwrap();
        assert_eq!(config.listen.http.port(), 1);
    }

    #[test]
    fn a_variable_reaches_a_detector_that_the_file_does_not_name() {
        let variable = "SQLEUTH__DETECT__FULL_SCAN__MIN_ROWS".to_owned();
        for file in ["", "[detect.full-scan]\nmin_runs = 2\n"] {
            let config = parse("f", file, [(variable.clone(), "7".to_owned())]).unwrap();
            assert_eq!(config.detect.full_scan.min_rows, 7);
        }
    }

    #[test]
    fn a_bad_variable_is_named() {
        let told = problems("", &[("SQLEUTH__LISTEN__HTTP", "nowhere")]);
        assert!(
            told[0].starts_with("environment variable SQLEUTH__LISTEN__HTTP"),
            "{told:?}"
        );
    }

    #[test]
    fn a_variable_that_reaches_nothing_is_told_once() {
        let file = "[[slow_log]]\npath = \"a\"\n";
        let told = problems(file, &[("SQLEUTH__SLOW_LOG__PATH", "b")]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("SQLEUTH__SLOW_LOG__PATH: `slow_log` is a list"),
            "{told:?}"
        );
        let told = problems("", &[("SQLEUTH__GENRAL__SERVICE", "1")]);
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let told = problems("[general]\nservice = \n", &[]);
        assert!(told[0].starts_with("sqleuth.toml:2"), "{told:?}");
    }
}
