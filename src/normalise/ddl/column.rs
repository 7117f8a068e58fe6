//! Column definitions: name, type, attributes.

use std::sync::Arc;

use super::token::{Cursor, Kind, Token};
use crate::model::schema::{Column, TypeFamily};

/// Words that end a type and begin its attributes.
const ATTRIBUTES: [&str; 26] = [
    "not",
    "null",
    "default",
    "primary",
    "unique",
    "key",
    "references",
    "constraint",
    "check",
    "collate",
    "character",
    "charset",
    "comment",
    "auto_increment",
    "generated",
    "as",
    "on",
    "unsigned",
    "signed",
    "zerofill",
    "virtual",
    "stored",
    "persistent",
    "invisible",
    "storage",
    "compression",
];

/// What a column definition says beyond the column.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) primary: bool,
    pub(super) unique: bool,
    /// Table that it refers to.
    pub(super) references: Option<Arc<str>>,
}

/// Reads `name type attributes`.
pub(super) fn column(mut cursor: Cursor<'_>) -> Option<(Column, Extras)> {
    let name = Arc::from(cursor.name()?);
    let mut column = Column {
        name,
        nullable: true,
        ..Column::default()
    };
    set_type(&mut column, &mut cursor);
    let extras = attributes(&mut column, cursor);
    Some((column, extras))
}

/// Reads a type into `column`.
pub(super) fn set_type(column: &mut Column, cursor: &mut Cursor<'_>) {
    let mut words: Vec<String> = Vec::new();
    let mut array = false;
    let mut digits: Option<Vec<u32>> = None;
    while let Some(token) = cursor.peek() {
        let ends = token.kind == Kind::Word && is_attribute(token) && !words.is_empty();
        // `character varying` is a type, `character set` an attribute.
        let varying =
            token.text.eq_ignore_ascii_case("character") && cursor.sees("character varying");
        if (ends && !varying) || words.len() > 6 {
            break;
        }
        if cursor.sees("(") {
            let Some(group) = cursor.group() else { break };
            digits.get_or_insert(numbers(group));
            continue;
        }
        match token.kind {
            // `pg_catalog.int4`: the namespace says nothing.
            Kind::Sign if token.text == "." => words.clear(),
            Kind::Sign => array |= token.text == "[",
            Kind::Word | Kind::Quoted => words.push(token.text.to_lowercase()),
            Kind::Literal | Kind::Number => {}
        }
        cursor.next();
    }
    let base = words.join(" ");
    let digits = digits.unwrap_or_default();
    column.family = if array {
        TypeFamily::Other
    } else {
        family(&base, &digits)
    };
    let sized = matches!(column.family, TypeFamily::Text | TypeFamily::Binary);
    let bare_char = matches!(base.as_str(), "char" | "character" | "nchar");
    column.length = sized
        .then(|| digits.first().copied().or(bare_char.then_some(1)))
        .flatten();
    column.data_type = shown(&base, &digits, array).into();
}

fn is_attribute(token: &Token) -> bool {
    ATTRIBUTES
        .iter()
        .any(|word| token.text.eq_ignore_ascii_case(word))
}

fn numbers(mut group: Cursor<'_>) -> Vec<u32> {
    let mut found = Vec::new();
    while let Some(token) = group.next() {
        if token.kind == Kind::Number && found.len() < 2 {
            found.extend(token.text.parse::<u32>().ok());
        }
    }
    found
}

fn shown(base: &str, digits: &[u32], array: bool) -> String {
    let sizes: Vec<_> = digits.iter().map(ToString::to_string).collect();
    let sizes = if sizes.is_empty() {
        String::new()
    } else {
        format!("({})", sizes.join(","))
    };
    format!("{base}{sizes}{}", if array { "[]" } else { "" })
}

fn family(base: &str, digits: &[u32]) -> TypeFamily {
    use TypeFamily as F;
    let first = base.split(' ').next().unwrap_or_default();
    match (base, first) {
        ("double precision", _) => F::Float,
        (_, "tinyint") if digits == [1] => F::Boolean,
        (_, "bit") => F::Other,
        (_, "bool" | "boolean") => F::Boolean,
        (
            _,
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "int2" | "int4"
            | "int8" | "serial" | "bigserial" | "smallserial" | "serial4" | "serial8" | "year",
        ) => F::Integer,
        (_, "decimal" | "numeric" | "dec" | "fixed" | "money") => F::Decimal,
        (_, "float" | "double" | "real" | "float4" | "float8") => F::Float,
        (
            _,
            "char" | "varchar" | "character" | "nchar" | "nvarchar" | "varchar2" | "bpchar"
            | "national",
        ) => F::Text,
        (_, "text" | "tinytext" | "mediumtext" | "longtext" | "citext" | "clob" | "long") => {
            F::LongText
        }
        (_, "enum" | "set") => F::Enum,
        (_, "binary" | "varbinary") => F::Binary,
        (_, "blob" | "tinyblob" | "mediumblob" | "longblob" | "bytea") => F::Blob,
        (_, "date") => F::Date,
        (_, "datetime" | "timestamp" | "timestamptz") => F::Timestamp,
        (_, "time" | "timetz") => F::Time,
        (_, "uuid") => F::Uuid,
        (_, "json" | "jsonb") => F::Json,
        _ => F::Other,
    }
}

fn attributes(column: &mut Column, mut cursor: Cursor<'_>) -> Extras {
    let mut extras = Extras::default();
    while !cursor.is_empty() {
        if cursor.eat("not null") {
            column.nullable = false;
        } else if cursor.eat("primary key") {
            column.nullable = false;
            extras.primary = true;
        } else if cursor.eat("unique") {
            extras.unique = true;
        } else if cursor.eat("references") {
            extras.references = cursor.qualified().map(|(_, table)| Arc::from(table));
        } else if cursor.eat_any(&["default", "comment", "constraint"]) {
            // what follows is one word, literal or call, and no attribute whatever it says
            cursor.next();
        } else if cursor.group().is_none() && !charset(column, &mut cursor) {
            cursor.next();
        }
    }
    extras
}

/// Takes `CHARACTER SET x` or `COLLATE x`.
pub(super) fn charset(column: &mut Column, cursor: &mut Cursor<'_>) -> bool {
    let (charset, collation) = charset_words(cursor);
    let took = charset.is_some() || collation.is_some();
    column.charset = charset.or(column.charset.take());
    if let Some(collation) = collation {
        column.charset = column.charset.take().or_else(|| charset_of(&collation));
        column.collation = Some(collation);
    }
    took
}

/// `CHARACTER SET x`, `CHARSET x` or `COLLATE x`, with or without `=`, in lower case.
pub(super) fn charset_words(cursor: &mut Cursor<'_>) -> (Option<Arc<str>>, Option<Arc<str>>) {
    let lower = |cursor: &mut Cursor<'_>| {
        cursor.eat("=");
        cursor
            .qualified()
            .map(|(_, name)| Arc::from(name.to_lowercase()))
    };
    if cursor.eat_any(&["character set", "charset"]) {
        (lower(cursor), None)
    } else if cursor.eat("collate") {
        (None, lower(cursor))
    } else {
        (None, None)
    }
}

/// The character set that a collation of MySQL belongs to: the part before the first `_`.
pub(super) fn charset_of(collation: &str) -> Option<Arc<str>> {
    let (charset, _) = collation.split_once('_')?;
    Some(Arc::from(charset))
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> (Column, Extras) {
        column(Cursor::new(&tokens(text))).unwrap()
    }

    #[test]
    fn types_of_either_server_are_told_apart() {
        let cases = [
            (
                "a int(10) unsigned NOT NULL DEFAULT 0",
                "int(10)",
                TypeFamily::Integer,
            ),
            ("a tinyint(1)", "tinyint(1)", TypeFamily::Boolean),
            (
                "a character varying(20) DEFAULT 'x'::character varying",
                "character varying(20)",
                TypeFamily::Text,
            ),
            (
                "a timestamp(3) with time zone",
                "timestamp with time zone(3)",
                TypeFamily::Timestamp,
            ),
            ("a double precision", "double precision", TypeFamily::Float),
            ("a numeric(10,2)", "numeric(10,2)", TypeFamily::Decimal),
            ("a enum('x','y') NOT NULL", "enum", TypeFamily::Enum),
            ("a integer[]", "integer[]", TypeFamily::Other),
            ("a public.citext", "citext", TypeFamily::LongText),
        ];
        for (text, shown, family) in cases {
            let (column, _) = read(text);
            assert_eq!(
                (&*column.data_type, column.family),
                (shown, family),
                "{text}"
            );
        }
    }

    #[test]
    fn attributes_are_read_whatever_their_order() {
        let (column, extras) = read(
            "`a` varchar(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL COMMENT 'primary key' UNIQUE KEY",
        );
        assert_eq!(column.charset.as_deref(), Some("latin1"));
        assert_eq!(column.collation.as_deref(), Some("latin1_bin"));
        assert!(!column.nullable && extras.unique && !extras.primary);
        let (column, extras) = read("a bigint REFERENCES public.users (id) ON DELETE SET NULL");
        assert_eq!(extras.references.as_deref(), Some("users"));
        assert!(column.nullable);
    }
}
