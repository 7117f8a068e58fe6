//! What holds for every text.

use proptest::prelude::*;

use super::*;

const DIALECTS: [Dialect; 3] = [Dialect::Mysql, Dialect::Postgres, Dialect::Generic];

/// Statements with a `{}` wherever a literal of any form may stand.
const FORMS: [&str; 8] = [
    "SELECT a, {} FROM t WHERE b = {} AND c LIKE {} ORDER BY a LIMIT 5",
    "INSERT INTO t (a, b) VALUES ({}, {}), ({}, NULL)",
    "UPDATE t SET a = {}, b = b + 1 WHERE c IN ({}, {})",
    "DELETE FROM t WHERE a BETWEEN {} AND {} OR a = {}",
    "SELECT x.a FROM t x JOIN s ON s.i = x.i AND s.b = {} UNION ALL SELECT a FROM t WHERE b = {}",
    "SELECT f({}, a) AS k FROM t GROUP BY k HAVING max(a) > {}",
    "CALL p({}, {})",
    "SELECT j->{} FROM t /* {} */ WHERE CAST({} AS CHAR) = a",
];

fn literal(dialect: Dialect, canary: &str, form: u8) -> String {
    match (form % 8, dialect) {
        (0, Dialect::Mysql) => format!("\"{canary}\""),
        (1, Dialect::Mysql) => format!("'it\\'s {canary}'"),
        (0 | 1, Dialect::Postgres) => format!("$q${canary}'$q$"),
        (0 | 1, Dialect::Generic) => format!("'it\\'s {canary}'"),
        (2, Dialect::Postgres) => format!("E'it\\'s {canary}'"),
        (3, _) => format!("X'{canary}'"),
        (4, _) => format!("'a '' {canary}; --'"),
        (5, _) => format!("N'{canary}'"),
        (6, _) => format!(":{canary}"),
        _ => format!("'{canary}'"),
    }
}

fn fill(form: &str, dialect: Dialect, forms: &[u8]) -> String {
    let mut sql = form.to_owned();
    for i in 0.. {
        let Some(at) = sql.find("{}") else {
            break;
        };
        let canary = format!("canary{i}zz");
        sql.replace_range(
            at..at + 2,
            &literal(dialect, &canary, forms[i % forms.len()]),
        );
    }
    sql
}

#[test]
fn a_set_operator_among_the_items_of_a_list_is_no_panic() {
    for dialect in DIALECTS {
        for sql in [
            "ARRAY [ UNION , )",
            "ARRAY[1 UNION 2, 3 UNION 4, 5]",
            "UNION UNION ; OR",
            "SELECT a OR b UNION SELECT 1 UNION SELECT 1; OR c",
            "OR OR ; OR",
            "IN (VALUES (1, a), (1, a), (1, a))",
            "ARRAY[CASE WHEN a THEN b, c WHEN a THEN b, c WHEN a THEN b, c END, d, e]",
            "a UNION CASE WHEN x UNION a ; WHEN y END",
        ] {
            let mut normaliser = Normaliser::new(&Settings::default(), 1);
            let _known = normaliser.statement(sql.as_bytes(), dialect, false);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut normaliser = Normaliser::new(&Settings::default(), 1);
        for dialect in DIALECTS {
            let _known = normaliser.statement(&bytes, dialect, bytes.len() % 2 == 0);
        }
    }

    #[test]
    fn no_mixture_of_tokens_makes_it_panic(words in proptest::collection::vec(0_usize..46, 0..60), cut in any::<bool>()) {
        let vocabulary = ["SELECT", "FROM", "t", "(", ")", ",", "UNION", "ALL", "OR", "WHERE", "a", "=", "1", "'x'", "IN", "VALUES",
            "AS", "JOIN", "ON", ".", ";", "LIMIT", "OFFSET", "::", "int", "[", "]", "/*!", "*/", "->", "NULL", "CAST", "ARRAY",
            "ORDER", "BY", "INSERT INTO", "DELETE", "UPDATE", "\"q\"", "-",
            "CASE", "WHEN", "THEN", "ELSE", "END", "(a), (a)"];
        let sql = words.iter().map(|&w| vocabulary[w]).collect::<Vec<_>>().join(" ");
        let mut normaliser = Normaliser::new(&Settings::default(), 1);
        for dialect in DIALECTS {
            let _known = normaliser.statement(sql.as_bytes(), dialect, cut);
        }
    }

    #[test]
    fn no_literal_is_in_the_template_and_its_form_does_not_matter(
        form in 0..FORMS.len(), dialect in 0..3_usize, forms in proptest::collection::vec(any::<u8>(), 6),
    ) {
        let dialect = DIALECTS[dialect];
        let sql = fill(FORMS[form], dialect, &forms);
        let statement = known(&sql, dialect).statement;
        let shown = serde_json::to_string(&*statement).unwrap();
        prop_assert!(!shown.to_lowercase().contains("canary"), "{sql}\n{shown}");
        if form != 7 {
            let plain = known(&fill(FORMS[form], dialect, &[7]), dialect).statement;
            prop_assert_eq!(plain.fingerprint, statement.fingerprint, "{}", sql);
        }
    }

    #[test]
    fn no_literal_is_in_the_template_of_a_text_cut_anywhere(
        form in 0..FORMS.len(), dialect in 0..3_usize, forms in proptest::collection::vec(any::<u8>(), 6), cut in any::<bool>(),
    ) {
        let dialect = DIALECTS[dialect];
        let sql = fill(FORMS[form], dialect, &forms);
        let mut normaliser = Normaliser::new(&Settings::default(), 1);
        for end in 0..sql.len() {
            let part = &sql.as_bytes()[..end];
            let statement = normaliser.statement(part, dialect, cut).statement;
            let shown = serde_json::to_string(&*statement).unwrap();
            prop_assert!(!shown.to_lowercase().contains("canary"), "{}\n{shown}", &sql[..end]);
        }
    }

    #[test]
    fn the_template_is_its_own_statement(form in 0..FORMS.len(), dialect in 0..3_usize, forms in proptest::collection::vec(any::<u8>(), 6)) {
        let dialect = DIALECTS[dialect];
        let statement = known(&fill(FORMS[form], dialect, &forms), dialect).statement;
        let again = known(statement.template.as_str(), dialect).statement;
        prop_assert_eq!(&statement.template, &again.template);
        prop_assert_eq!(statement.fingerprint, again.fingerprint);
    }

    #[test]
    fn spacing_case_comments_and_list_length_change_nothing(
        gaps in proptest::collection::vec(0_usize..4, 20), upper in any::<bool>(), length in 1_usize..50,
    ) {
        let list = vec!["7"; length].join(",");
        let words = ["select", "a", ",", "b", "from", "t", "where", "c", "in", "(", &list, ")", "and", "d", "=", "2", "limit", "9"];
        let spaces = [" ", "\n\t", " /* c */ ", "  -- x\n"];
        let mut sql = String::new();
        for (word, gap) in words.iter().zip(gaps) {
            sql.push_str(word);
            sql.push_str(spaces[gap]);
        }
        if upper {
            sql.make_ascii_uppercase();
        }
        let plain = known("SELECT a, b FROM t WHERE c IN (1) AND d = 2 LIMIT 9", Dialect::Mysql).statement;
        prop_assert_eq!(known(&sql, Dialect::Mysql).statement.fingerprint, plain.fingerprint);
    }
}

#[test]
fn equal_parameters_hash_alike_and_others_do_not() {
    let hash = |sql| known(sql, Dialect::Mysql).parameters;
    assert_eq!(hash("SELECT 1, 'a'"), hash("select  1,'a' -- x"));
    assert_ne!(hash("SELECT 1, 'a'"), hash("SELECT 1, 'b'"));
    assert_ne!(
        hash("SELECT a FROM t WHERE b = -1"),
        hash("SELECT a FROM t WHERE b = 1")
    );
}

#[test]
fn parameters_that_the_text_does_not_tell_are_not_taken_for_equal_ones() {
    let untold = [
        "SELECT a FROM t WHERE b = ?",
        "SELECT a FROM t WHERE b = $1 AND c = 'x'",
    ];
    for sql in untold {
        assert_eq!(known(sql, Dialect::Postgres).parameters, 0, "{sql}");
    }
    assert_ne!(known("SELECT a FROM t", Dialect::Mysql).parameters, 0);
}

#[test]
fn a_long_union_is_parsed_and_its_branches_are_counted() {
    let sql = vec!["SELECT a FROM t WHERE b = 1"; 3000].join(" UNION ");
    let found = known(&sql, Dialect::Mysql);
    assert_eq!(found.statement.shape().unwrap().set_ops.union, 2999);
    assert_eq!(
        found.statement.template.as_str(),
        "SELECT a FROM t WHERE b = ? UNION SELECT a FROM t WHERE b = ?"
    );
}

/// Beginning, link, joint and end of texts of which servers write some thousand times as many as people.
const CHAINS: [[&str; 4]; 12] = [
    ["", "SELECT a FROM t WHERE b = 1", " UNION ALL ", ""],
    [
        "",
        "SELECT a FROM t WHERE b = 'x' OR c = 2",
        " UNION ",
        " ORDER BY a LIMIT 5",
    ],
    [
        "SELECT * FROM (",
        "(SELECT a FROM t WHERE b = 1 AND c IN (1, 2))",
        " UNION ALL ",
        ") u WHERE u.a = 1 OR u.a = 2",
    ],
    [
        "INSERT INTO t (a, b) ",
        "SELECT 1, NULL UNION ALL SELECT NULL, 2",
        " UNION ALL ",
        " ON DUPLICATE KEY UPDATE a = 1",
    ],
    ["SELECT a FROM t WHERE ", "b = 1", " OR ", " AND c = 2"],
    [
        "SELECT a FROM t WHERE (",
        "(b = 1 AND c = 'x')",
        " OR ",
        ") AND d = 2 ORDER BY a",
    ],
    [
        "SELECT a FROM t WHERE b = 5 AND (",
        "b = 1 OR c LIKE '%x%'",
        " OR ",
        ") OR d = 3",
    ],
    [
        "UPDATE t SET a = CASE id ",
        "WHEN 1 THEN 'x'",
        " ",
        " ELSE a END WHERE id IN (1, 2)",
    ],
    [
        "SELECT a FROM t WHERE b IN (",
        "CAST('x' AS char(36))",
        ", ",
        ") AND c = 2",
    ],
    [
        "SELECT a FROM t WHERE (b, c) IN (",
        "(1, NULL), (NULL, 2)",
        ", ",
        ") AND d = 2",
    ],
    [
        "INSERT INTO t (a, b, c) VALUES ",
        "(1, NULL, 2), (NULL, 'x', 3), (4, 5, NULL)",
        ", ",
        " ON DUPLICATE KEY UPDATE a = 1",
    ],
    [
        "INSERT INTO t (a, b) VALUES ",
        "(1, now()), (2, f(3))",
        ", ",
        " ON CONFLICT (a) DO UPDATE SET b = excluded.b",
    ],
];

fn chain([begin, link, joint, end]: [&str; 4], links: usize) -> String {
    let body = vec![link; links].join(joint);
    format!("{begin}{body}{end}")
}

/// More than a stream holds, were it not folded while it is read.
const LONG_TEXT_BYTES: usize = 2_000_000;

#[test]
fn a_chain_of_any_length_is_one_statement() {
    for (index, form) in CHAINS.into_iter().enumerate() {
        let dialect = DIALECTS[index % DIALECTS.len()];
        let few = known(&chain(form, 7), dialect).statement;
        let many = LONG_TEXT_BYTES / (form[1].len() + form[2].len());
        for links in [3, 2_900, 2_901, many] {
            let statement = known(&chain(form, links), dialect).statement;
            assert_eq!(statement.template.as_str(), few.template.as_str());
            assert_eq!(statement.fingerprint, few.fingerprint);
            assert!(!statement.truncated, "{links} of {form:?}");
        }
    }
}

#[test]
fn what_is_left_out_of_a_very_long_chain_is_counted() {
    for links in [3, 2_000, 30_000] {
        let set_ops = |form: usize| {
            let statement = known(&chain(CHAINS[form], links), Dialect::Mysql).statement;
            statement.shape().unwrap().set_ops
        };
        let wanted = u32::try_from(links).unwrap();
        assert_eq!(set_ops(0).union_all, wanted - 1);
        assert_eq!(set_ops(1).union, wanted - 1);
        assert_eq!(set_ops(4).or_terms, wanted);
    }
}

#[test]
fn a_chain_ends_where_the_list_or_the_condition_does() {
    let columns = |count: usize| format!("SELECT {} FROM t", vec!["a OR b"; count].join(", "));
    let long = 20_000;
    assert_ne!(
        known(&columns(long), Dialect::Mysql).statement.fingerprint,
        known(&columns(long + 1), Dialect::Mysql)
            .statement
            .fingerprint,
    );
    let ands = |count: usize| {
        format!(
            "SELECT a FROM t WHERE {}",
            vec!["(b = 1 OR c = 2)"; count].join(" AND ")
        )
    };
    assert_ne!(
        known(&ands(long), Dialect::Mysql).statement.fingerprint,
        known(&ands(long + 1), Dialect::Mysql).statement.fingerprint,
    );
}

/// Texts whose inner parts were once read again at each level; a quadratic reader takes minutes for each of them.
#[test]
fn hostile_nesting_is_read_in_one_go() {
    let nested = |open: &str, inner: &str, close: &str| {
        let depth = 20_000;
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let texts = [
        format!("SELECT 1 FROM t WHERE {}", nested("a or f(", "a", ")")),
        format!("SELECT {}", nested("ARRAY[", "a", "]")),
        format!("SELECT {}", nested("CASE WHEN a THEN ", "1", " END")),
        format!(
            "SELECT a FROM t WHERE a IN {}",
            nested("(b IN (c, d), ", "a", ")")
        ),
    ];
    for sql in texts {
        let statement = known(&sql, Dialect::Postgres).statement;
        assert!(matches!(statement.parsed, Parsed::Opaque { .. }));
    }
}

#[test]
fn a_change_behind_with_is_a_change_and_has_its_condition() {
    for (sql, filtered) in [
        ("WITH x AS (SELECT 1) DELETE FROM big", false),
        ("WITH x AS (SELECT 1) DELETE FROM big WHERE a = 5", true),
    ] {
        for dialect in [Dialect::Mysql, Dialect::Postgres] {
            let statement = known(sql, dialect).statement;
            let shape = statement.shape().unwrap();
            assert_eq!(shape.kind, StatementKind::Delete, "{sql}");
            assert_eq!(shape.filtered, filtered, "{sql}");
        }
    }
}

#[test]
fn hostile_depth_and_length_end_as_opaque() {
    for sql in [
        format!("SELECT {}1{}", "f(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT a{} FROM t", " + b".repeat(200_000)),
        format!("SELECT a FROM t WHERE {}", "NOT ".repeat(10_000)),
    ] {
        let statement = known(&sql, Dialect::Mysql).statement;
        assert!(matches!(statement.parsed, Parsed::Opaque { .. }));
    }
}

#[test]
fn a_mark_of_unicode_before_a_text_is_none_of_it() {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    for dialect in DIALECTS {
        let mut read = |sql: &str| {
            let found = normaliser.statement(sql.as_bytes(), dialect, false);
            found.statement.fingerprint
        };
        for sql in ["SELECT a FROM t WHERE b = 1", "zDELT sE"] {
            let bare = read(sql);
            assert_eq!(read(&format!("\u{feff}{sql}")), bare, "{sql}");
            assert_eq!(read(&format!(" \n\u{feff}{sql}")), bare, "{sql}");
        }
    }
}
