//! Plans of `auto_explain`.

use serde_json::json;
use sqleuth::ingest::slow_log::{Format, Next, Options, parser};

use crate::agree::feed;
use crate::{CANARY, PREFIX};

/// What PostgreSQL writes of a plan, with a `{}` where a literal may stand.
const TEXT: &str = "Query Text: SELECT a FROM t WHERE b = {} ORDER BY c
Sort  (cost=1.00..2.00 rows=5 width=4) (actual time=0.100..0.200 rows=7 loops=1)
  Output: a, {}
  Sort Key: (c || {})
  Sort Method: external merge  Disk: 120kB
  ->  Hash Join  (cost=1.00..2.00 rows=5 width=4)
        Hash Cond: ((t.a)::text = {}::text)
        ->  Parallel Seq Scan on public.t x  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..0.2 rows=7 loops=3)
              Filter: ((a = {}::text) OR (b ~~ {}::text))
              Rows Removed by Filter: 93
        ->  Index Scan using s_a on s  (cost=0.00..1.00 rows=5 width=4)
              Index Cond: (a = ANY ({}::text[]))";

/// Any plan is read, and no literal of it is kept.
///
/// The first byte chooses how the plan is written: as it came, or with the rest as a literal in its conditions.
pub fn plan(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let body = String::from_utf8_lossy(body).replace('\0', "");
    let literal = literal(&format!("{body}{CANARY}{body}"));
    let (text, hides) = match choice % 4 {
        0 => (TEXT.replace("{}", &literal), true),
        1 => (in_json(&literal), true),
        2 => (in_xml(&literal), true),
        _ => (body, false),
    };
    for access in accesses(&text) {
        let leaks = hides && access.contains(CANARY);
        assert!(!leaks, "{access}");
    }
}

/// As the server writes a constant.
fn literal(value: &str) -> String {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    if value.contains('\\') {
        return format!("E{}", quoted.replace('\\', r"\\"));
    }
    quoted
}

fn in_json(literal: &str) -> String {
    let scan = json!({
        "Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 5, "Actual Rows": 7, "Actual Loops": 3,
        "Filter": format!("(a = {literal}::text)"), "Output": ["a", literal], "Rows Removed by Filter": 93,
    });
    let plan = json!({
        "Query Text": format!("SELECT a FROM t WHERE b = {literal}"),
        "Plan": {"Node Type": "Sort", "Plan Rows": 5, "Sort Key": [literal], "Plans": [scan]},
    });
    serde_json::to_string_pretty(&plan).unwrap_or_default()
}

fn in_xml(literal: &str) -> String {
    let literal = literal
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query-Text>SELECT {literal}</Query-Text>\n  \
         <Plan>\n    <Node-Type>Seq Scan</Node-Type>\n    <Filter>(a = {literal})</Filter>\n  </Plan>\n</explain>"
    )
}

/// What is told of the access to rows by the entries of a log with this plan and a statement behind it.
fn accesses(plan: &str) -> Vec<String> {
    let head = "2026-11-21 19:26:58.611 UTC [1] p@b/x LOG:  duration:";
    let plan = plan.replace('\n', "\n\t");
    let log = format!("{head} 12.000 ms  plan:\n\t{plan}\n{head} 12.500 ms  statement: SELECT 1\n");
    let options = Options {
        log_line_prefix: Some(PREFIX.to_owned()),
        ..Options::default()
    };
    let mut told = Vec::new();
    let mut parser = parser(Format::PostgresStderr, &options);
    let done = feed(parser.as_mut(), log.as_bytes(), Next::End, &mut |entry| {
        told.push(format!("{:?}", entry.access));
    });
    assert_eq!(done, log.len(), "nothing is left");
    told
}
