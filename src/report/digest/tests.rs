mod hostile;

use std::time::Duration;

use super::*;
use crate::model::evidence::Unit;
use crate::model::finding::{Safety, Urgency};
use crate::model::id::ServiceName;
use crate::model::sql::{Parsed, Shape, Statement};
use crate::report::Lang;
use crate::report::example::{at, style};
use crate::window::Curve;

const HOSTILE: &str = "SELECT `</pre><script>alert(?)</script>`, \"a|b\" FROM t -- ``` \u{202e}x";

fn statement(id: u64, template: &str, is_opaque: bool) -> StatementRef {
    let parsed = if is_opaque {
        Parsed::Opaque {
            why: "syntax".to_owned(),
            kind: StatementKind::Utility,
            tables: Vec::new(),
        }
    } else {
        Parsed::Shape(Box::new(Shape {
            kind: StatementKind::Select,
            tables: vec![TableName::from("orders")],
            ..Shape::default()
        }))
    };
    Arc::new(Statement {
        fingerprint: FingerprintId(id),
        loose: FingerprintId(id),
        template: Template::new(template),
        dialect: Dialect::Mysql,
        parsed,
        truncated: false,
    })
}

fn summed(id: u64, template: &str, seconds: u64) -> Summed {
    let time = Duration::from_secs(seconds);
    let elapsed = Latency {
        total: time * 10,
        min: time,
        p50: time,
        p95: time,
        p99: time,
        max: time,
    };
    Summed {
        origin: Origin::Log,
        statement: statement(id, template, id == 3),
        load: Load {
            count: 10,
            errors: id,
            elapsed,
            ..Load::default()
        },
        lock: None,
        seen: Some(Interval {
            from: at(0),
            to: at(100),
        }),
        attributes: None,
        more: [false; 3],
        names: Default::default(),
    }
}

fn finding(id: u64, severity: Severity) -> Finding {
    Finding {
        detector: Slug::from("full-scan"),
        severity,
        urgency: Urgency::Acute,
        began: None,
        at: Interval {
            from: at(0),
            to: at(100),
        },
        service: ServiceName::new("shop"),
        database: Arc::from("shop"),
        fingerprint: Some(FingerprintId(id)),
        errors: None,
        operation: None,
        template: None,
        tables: vec![TableName::from("orders")],
        recurring: false,
        evidence: vec![Evidence::Measure {
            name: Arc::from("rows_examined_per_run"),
            observed: 400_000.0,
            threshold: Some(10_000.0),
            unit: Unit::Rows,
        }],
        remedies: vec![Remedy {
            sql: format!("CREATE INDEX i{id} ON orders (a);"),
            why: "see <b>the</b> plan".to_owned(),
            safety: Safety::NeedsReview,
        }],
    }
}

fn failed() -> Failed {
    Failed {
        class: ErrorClass::Schema,
        code: Arc::from("42703"),
        message: Template::new("column \"<i>x</i>\" does not exist"),
        fingerprint: Some(FingerprintId(1)),
        template: Some(Template::new("SELECT <b>x</b> FROM orders")),
        count: 12,
        waited_s: Seconds::default(),
        first_seen: None,
        last_seen: None,
    }
}

/// As `sqleuth digest` puts it together.
fn made(mut source: Source, summed: Vec<Summed>, found: Vec<Finding>, style: &Style) -> Digest {
    let elapsed = summed.iter().map(|s| s.load.elapsed.total).sum();
    for s in &summed {
        source.count(&s.statement, &s.load);
    }
    let mut queries: Vec<_> = summed
        .into_iter()
        .map(|s| Query::new(s, elapsed, Vec::new()))
        .collect();
    queries.sort_by_key(|q| std::cmp::Reverse(q.time_s.total.0));
    Digest {
        source,
        elapsed,
        ranked: queries.len(),
        queries,
        findings: found
            .into_iter()
            .map(|f| Found::new(f, Some(Dialect::Mysql), style))
            .collect(),
        errors: vec![failed()],
        left_out: LeftOut::default(),
        origin: Origin::Log,
        operations: Vec::new(),
    }
}

fn digest(lang: Lang) -> Digest {
    let source = Source {
        files: vec!["<slow>.log".to_owned()],
        format: "mysql-slow".to_owned(),
        bytes: 5 << 20,
        entries: 30,
        statements: 30,
        unparsed_entries: 1,
        slower_than_s: Some(Seconds(Duration::from_millis(500))),
        from: Some(at(0)),
        to: Some(at(100)),
        not_judged: [("plan-flip", "plans"), ("union-hotspot", "plans")]
            .map(|(detector, needs)| NotJudged {
                detector,
                needs,
                share: 1.0,
            })
            .to_vec(),
        ..Source::default()
    };
    let queries = vec![
        summed(1, HOSTILE, 1),
        summed(2, &format!("SELECT {}", "long_column, ".repeat(60)), 7),
        summed(3, "CHECK TABLE orders", 2),
    ];
    let found = vec![
        finding(1, Severity::Critical),
        finding(2, Severity::Warning),
    ];
    let mut curve = Curve::default();
    for second in 0..100 {
        curve.observe(at(second), StatementKind::Select, Duration::from_secs(1), 1);
    }
    let source = Source {
        load: LoadCurve::of(&curve),
        ..source
    };
    made(source, queries, found, &style(lang))
}

fn rendered(lang: Lang, form: Form, top: Option<usize>) -> String {
    render(&[digest(lang)], &style(lang), form, top)
}

fn text(lang: Lang, width: usize) -> String {
    rendered(lang, Form::Text { width }, None)
}

#[test]
fn a_page_of_text_keeps_the_width_of_its_terminal_in_both_languages() {
    for lang in [Lang::En, Lang::Ko] {
        for (asked, wanted) in [(20, 80), (80, 80), (101, 101), (500, 120)] {
            let page = text(lang, asked);
            let widest = page.lines().map(text::columns).max();
            assert_eq!(widest, Some(wanted), "{page}");
        }
    }
}

#[test]
fn what_is_wrong_stands_before_what_costs_and_within_twenty_lines() {
    let page = text(Lang::En, 100);
    let head: Vec<_> = page.lines().take(20).collect();
    let head = head.join("\n");
    for told in [
        "CRITICAL  10 % of the time: SELECT orders",
        "Rows read per run: 400 k (threshold 10 k)",
        "CREATE INDEX i1 ON orders (a); (review before running)",
        "WARNING  70 % of the time",
        "Only runs slower than 500 ms are in the log",
    ] {
        assert!(head.contains(told), "no {told} in\n{head}");
    }
}

#[test]
fn the_busiest_time_is_told() {
    assert!(text(Lang::En, 120).contains("1 statements at once on average, about 1 around"));
}

#[test]
fn errors_are_counted_and_the_statement_with_most_of_them_is_named() {
    let page = text(Lang::En, 120);
    assert!(
        page.contains("6 runs failed or were cut off (20 %), 3 of them: CHECK TABLE orders"),
        "{page}"
    );
}

#[test]
fn errors_are_told_by_kind_in_every_form() {
    let text = text(Lang::En, 100);
    assert!(
        text.contains("1. Statement that cannot run 42703, 12 times"),
        "{text}"
    );
    let ko = rendered(Lang::Ko, Form::Markdown, None);
    assert!(ko.contains("**실행할 수 없는 문장 42703, 12회**"), "{ko}");
    let html = rendered(Lang::En, Form::Html, None);
    assert!(html.contains("&lt;i&gt;x&lt;/i&gt;") && html.contains("&lt;b&gt;x&lt;/b&gt;"));
}

#[test]
fn what_the_report_cannot_tell_is_said() {
    let page = text(Lang::En, 120);
    for note in [
        "Not judged for want of evidence: plan-flip, union-hotspot. Needed: plans.",
        "1 entry of the log could not be read.",
        "The parser does not know the mysql SQL of 10 runs (33 %)",
    ] {
        assert!(page.contains(note), "no {note} in\n{page}");
    }
}

#[test]
fn a_sick_statement_is_detailed_even_when_it_costs_too_little_for_the_table() {
    let page = rendered(Lang::En, Form::Text { width: 100 }, Some(1));
    assert!(
        page.contains(" 3. 10 % of the time: SELECT orders"),
        "{page}"
    );
    assert!(!page.contains(" 2. 20 % of the time"), "{page}");
    assert!(page.contains("The other 2 statements take 30 % of the time"));
}

#[test]
fn a_log_without_findings_says_whether_all_could_judge() {
    let style = style(Lang::En);
    let source = |not_judged: Vec<NotJudged>| Source {
        format: "mysql-slow".to_owned(),
        not_judged,
        ..Source::default()
    };
    let page = |source| {
        let digest = made(source, vec![summed(1, "SELECT 1", 1)], Vec::new(), &style);
        render(
            std::slice::from_ref(&digest),
            &style,
            Form::Text { width: 100 },
            None,
        )
    };
    let nothing = "No detector found anything to fix.\n";
    assert!(page(source(Vec::new())).contains(nothing));
    let blind = NotJudged {
        detector: "plan-flip",
        needs: "plans",
        share: 0.4,
    };
    let page = page(source(vec![blind]));
    assert!(page.contains("Not all could be judged: see the notes."));
    assert!(
        page.contains("plan-flip (40 % of the time). Needed: plans."),
        "{page}"
    );
}

/// Findings in the order of a report, with the ids of their statements, 0 for none.
fn advised(ids: &[u64]) -> String {
    let style = style(Lang::En);
    let of = |id: &u64| Finding {
        fingerprint: (*id > 0).then_some(FingerprintId(*id)),
        ..finding(*id, Severity::Critical)
    };
    let source = Source {
        format: "mysql-slow".to_owned(),
        ..Source::default()
    };
    let digest = made(source, Vec::new(), ids.iter().map(of).collect(), &style);
    render(
        std::slice::from_ref(&digest),
        &style,
        Form::Text { width: 100 },
        None,
    )
}

#[test]
fn what_has_no_statement_keeps_its_places_beside_a_dozen_of_statements() {
    let many: Vec<u64> = (1..=12).chain([0, 0]).collect();
    let page = advised(&many);
    assert!(
        page.contains("CREATE INDEX i8 ") && !page.contains("CREATE INDEX i9 "),
        "{page}"
    );
    assert_eq!(page.matches("CREATE INDEX i0 ").count(), 2, "{page}");
    assert!(page.contains("4 more have findings"), "{page}");
}

#[test]
fn statements_keep_their_places_beside_a_dozen_of_errors() {
    let many: Vec<u64> = [0; 12].into_iter().chain([1]).collect();
    let page = advised(&many);
    assert_eq!(page.matches("CREATE INDEX i0 ").count(), 9, "{page}");
    assert!(page.contains("CREATE INDEX i1 "), "{page}");
}

#[test]
fn what_cures_the_worst_stands_before_what_can_be_pasted() {
    let style = style(Lang::En);
    let mut worst = finding(1, Severity::Critical);
    worst.remedies[0].sql.clear();
    let found = vec![worst, finding(1, Severity::Warning)];
    let source = Source::default();
    let digest = made(source, vec![summed(1, "SELECT 1", 1)], found, &style);
    let page = render(
        std::slice::from_ref(&digest),
        &style,
        Form::Text { width: 100 },
        None,
    );
    assert!(page.contains("-> See <b>the</b> plan\n"), "{page}");
}

#[test]
fn a_report_names_no_set_of_values() {
    let mut told = finding(1, Severity::Warning);
    told.evidence
        .push(Evidence::clause("parameters", "00c0ffee00c0ffee"));
    told.evidence.push(Evidence::Exemplar {
        at: at(1),
        seconds: 1.0,
        parameters: Some(FingerprintId(0x00c0_ffee)),
        trace_id: None,
    });
    let json = serde_json::to_string(&Found::new(told, None, &style(Lang::En))).unwrap();
    assert!(
        !json.contains("c0ffee") && json.contains("exemplar"),
        "{json}"
    );
}

#[test]
fn an_interval_that_holds_nothing_says_how_much_lies_outside() {
    let style = style(Lang::En);
    let source = Source {
        format: "mysql-slow".to_owned(),
        outside: 7,
        ..Source::default()
    };
    let digest = made(source, Vec::new(), Vec::new(), &style);
    let page = render(
        std::slice::from_ref(&digest),
        &style,
        Form::Text { width: 100 },
        None,
    );
    assert!(
        page.contains("No statement was found between --since and --until; 7 runs lie outside.")
    );
}
