use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::event::{Access, Coverage, Nesting, Outcome, RowCounts, TraceRef};
use crate::model::sql::Dialect;
use crate::normalise::{Normaliser, Settings};
use crate::window::names::Role;

#[derive(Debug, Clone)]
struct Told {
    end: Timestamp,
    elapsed: Duration,
    lock: Option<Duration>,
    rows: RowCounts,
    bytes: Option<u64>,
    access: Option<Access>,
    outcome: Outcome,
    parameters: u64,
    trace: Option<TraceRef>,
    names: [Arc<str>; 3],
    weight: u32,
    inner: Duration,
}

impl Told {
    fn run(&self) -> Run<'_> {
        let [database, user, client] = &self.names;
        Run {
            end: self.end,
            elapsed: self.elapsed,
            lock: self.lock,
            rows: self.rows,
            bytes_sent: self.bytes,
            access: self.access.as_ref(),
            outcome: &self.outcome,
            parameters: self.parameters,
            trace: self.trace,
            database,
            user,
            client,
            weight: self.weight,
            nesting: Nesting {
                is_inside: false,
                inner: self.inner,
            },
        }
    }
}

fn number() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(shift, v)| v >> shift)
}

fn access() -> impl Strategy<Value = Access> {
    let flags = prop::array::uniform6(any::<Option<bool>>());
    let counts = (prop::option::of(number()), prop::option::of(number()));
    (flags, counts).prop_map(|(flags, (merge_passes, temp_bytes))| {
        let [
            full_scan,
            full_join,
            tmp_table,
            tmp_table_on_disk,
            filesort,
            filesort_on_disk,
        ] = flags;
        Access {
            full_scan,
            full_join,
            tmp_table,
            tmp_table_on_disk,
            filesort,
            filesort_on_disk,
            merge_passes,
            temp_bytes,
            plan: None,
        }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let code: Arc<str> = Arc::from("57014");
    let failed = Outcome::Error {
        code: Arc::clone(&code),
    };
    prop_oneof![
        6 => Just(Outcome::Ok),
        1 => Just(failed),
        1 => Just(Outcome::Cancelled { code }),
    ]
}

prop_compose! {
    fn told()(
        end in prop_oneof![
            (0_u64..4_000_000_000).prop_map(Timestamp::from_unix_secs),
            number().prop_map(Timestamp::from_unix_nanos),
        ],
        elapsed in number().prop_map(Duration::from_nanos),
        lock in prop::option::of(number().prop_map(Duration::from_nanos)),
        rows in prop::array::uniform3(prop::option::of(number())),
        bytes in prop::option::of(number()),
        access in prop::option::of(access()),
        outcome in outcome(),
        parameters in 0_u64..40,
        traced in 0_u8..60,
        names in prop::array::uniform3(0_usize..20),
        weight in prop_oneof![9 => Just(1_u32), 1 => 1_u32..1_000],
        inner in prop_oneof![Just(Duration::ZERO), number().prop_map(Duration::from_nanos)],
    ) -> Told {
        let [examined, returned, affected] = rows;
        let name = |n: usize| Arc::from(if n == 0 { String::new() } else { format!("name{n}") });
        Told {
            end, elapsed, lock, bytes, access, outcome, parameters, weight, inner,
            rows: RowCounts { examined, returned, affected },
            trace: (traced == 0).then_some(TraceRef { trace: 1, span: 2 }),
            names: names.map(name),
        }
    }
}

proptest! {
    #[test]
    fn runs_that_were_packed_come_to_the_very_same_sums(
        runs in prop::collection::vec(told(), 1..100),
        is_sparse in any::<bool>(),
    ) {
        let detail = if is_sparse { Detail::Sparse } else { Detail::Full };
        let mut names = NameBook::default();
        let mut kept = Runs::Packed(Packed::default());
        let mut sums = Sums::default();
        for told in &runs {
            kept.add(&told.run(), told.end, detail, &mut names);
            sums.add(&told.run(), told.end, detail);
        }
        let kept = kept.sums(&names);
        prop_assert_eq!(&kept.stats, &sums.stats);
        prop_assert_eq!(&kept.lock, &sums.lock);
    }
}

#[test]
fn few_runs_take_little_room() {
    let mut names = NameBook::default();
    let mut kept = Packed::default();
    let ok = Outcome::Ok;
    let name: Arc<str> = Arc::from("shop");
    for second in 0..5 {
        let run = Run {
            end: Timestamp::from_unix_secs(1_790_000_000 + second),
            elapsed: Duration::from_micros(4_711),
            lock: Some(Duration::from_micros(10)),
            rows: RowCounts {
                examined: Some(50),
                returned: Some(3),
                affected: Some(0),
            },
            bytes_sent: Some(64),
            access: None,
            outcome: &ok,
            parameters: 1,
            trace: None,
            database: &name,
            user: &name,
            client: &name,
            weight: 1,
            nesting: Nesting::default(),
        };
        assert!(kept.push(&run, run.end, Detail::Sparse, &mut names));
    }
    assert!(kept.size() <= 5 * 24, "{} bytes", kept.size());
}

fn observe(totals: &mut Totals, normaliser: &mut Normaliser, sql: &str, database: &str) {
    let text = normaliser.read(sql.as_bytes(), Dialect::Mysql, false);
    let slot = totals.slot(text.id).unwrap_or_else(|| {
        let (statement, _) = normaliser.statement_of(&text);
        totals.settle(|| Scope {
            service: crate::model::id::ServiceName::new("shop"),
            target: crate::model::event::DbTarget::default(),
            origin: crate::model::event::Origin::Log,
        });
        totals.admit(text.id, &statement, &normaliser.tokens(&text))
    });
    let database = Arc::from(database);
    let (empty, ok) = (Arc::from(""), Outcome::Ok);
    totals.add(
        slot,
        &Run {
            end: Timestamp::from_unix_secs(1_790_000_000),
            elapsed: Duration::from_millis(sql.len() as u64),
            lock: None,
            rows: RowCounts::default(),
            bytes_sent: None,
            access: None,
            outcome: &ok,
            parameters: text.parameters,
            trace: None,
            database: &database,
            user: &empty,
            client: &empty,
            weight: 1,
            nesting: Nesting::default(),
        },
    );
}

#[test]
fn a_file_is_totalled_whatever_the_database() {
    let mut totals = Totals::default();
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    for (sql, database) in [
        ("SELECT a FROM t WHERE id = 1", "a"),
        ("SELECT a FROM t WHERE id = 2", "b"),
        ("SELECT a FROM much_longer", "a"),
        ("select a FROM t WHERE `id` = 3", "b"),
    ] {
        observe(&mut totals, &mut normaliser, sql, database);
    }
    let view = totals.view(Coverage::default());
    let profiles: Vec<_> = view.profiles().collect();
    let counts: Vec<_> = profiles.iter().map(|p| p.load.count).collect();
    assert_eq!(counts, [3, 1]);
    assert_eq!(&*profiles[0].target.namespace, "");
    assert_eq!(&*profiles[1].target.namespace, "a");
    assert_eq!(profiles[0].total.statements, 2);
    let first = view.ranked().next().unwrap();
    assert_eq!(
        first.sums.stats.names(Role::Database),
        [Arc::from("a"), Arc::from("b")]
    );
}

#[test]
fn runs_of_texts_that_cannot_be_parsed_are_counted() {
    let mut totals = Totals::default();
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    for sql in ["SELECT 1", "SELEC oops ((", "SELEC oops (("] {
        observe(&mut totals, &mut normaliser, sql, "");
    }
    assert_eq!((totals.count(), totals.opaque()), (3, 2));
}

#[test]
fn a_pattern_that_no_index_serves_is_known_whichever_text_came_first() {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut totals = Totals::default();
    for pattern in ["a%", "%a%", "b%"] {
        let sql = format!("SELECT id FROM t WHERE name LIKE '{pattern}'");
        let text = normaliser.read(sql.as_bytes(), Dialect::Mysql, false);
        let (statement, _) = normaliser.statement_of(&text);
        totals.admit(text.id, &statement, &normaliser.tokens(&text));
    }
    let view = totals.view(Coverage::default());
    let kinds: Vec<bool> = view
        .ranked()
        .map(|total| total.statement.shape().unwrap().leading_wildcard)
        .collect();
    assert_eq!(kinds, [true]);
}

#[test]
fn a_number_in_the_place_of_a_string_is_known_whichever_text_came_first() {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut totals = Totals::default();
    for value in ["'1'", "1", "'2'"] {
        let sql = format!("SELECT id FROM t WHERE phone = {value}");
        let text = normaliser.read(sql.as_bytes(), Dialect::Mysql, false);
        let (statement, _) = normaliser.statement_of(&text);
        totals.admit(text.id, &statement, &normaliser.tokens(&text));
    }
    let view = totals.view(Coverage::default());
    let values: Vec<_> = view
        .ranked()
        .map(|total| total.statement.shape().unwrap().predicates[0].value)
        .collect();
    assert_eq!(values, [crate::model::value::ValueKind::Integer]);
}
