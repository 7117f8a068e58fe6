use super::*;

const TEXT: &str = "\nQuery Text: SELECT *\nFROM t WHERE a = 'secret' ORDER BY b\n\
    Sort  (cost=1.0..2.0 rows=5 width=4) (actual time=0.1..0.2 rows=7 loops=1)\n\
    \x20 Sort Key: b\n  Sort Method: external merge  Disk: 120kB\n\
    \x20 ->  Parallel Seq Scan on public.t x  (cost=0.0..1.0 rows=5 width=4) (actual time=0.1..0.2 rows=7 loops=3)\n\
    \x20       Filter: (a = 'secret'::text)\n\
    \x20       Rows Removed by Filter: 93\n";

fn plan(text: &str) -> Vec<PlanRow> {
    let access = read(text.as_bytes()).unwrap().access;
    access.plan.unwrap_or_default().to_vec()
}

#[test]
fn a_plan_in_text_gives_its_statement_and_steps() {
    let explained = read(TEXT.as_bytes()).unwrap();
    assert_eq!(
        &*explained.sql,
        b"SELECT *\nFROM t WHERE a = 'secret' ORDER BY b"
    );
    let access = explained.access;
    assert_eq!(access.full_scan, Some(true));
    assert_eq!(access.filesort_on_disk, Some(true));
    let plan = access.plan.unwrap();
    assert_eq!(&*plan[1].table, "public.t");
    assert_eq!(plan[1].rows, Some(5));
}

#[test]
fn rows_that_a_condition_removed_were_read_too() {
    let explained = read(TEXT.as_bytes()).unwrap();
    let scan = &explained.access.plan.unwrap()[1];
    assert_eq!(scan.actual_rows, Some(100));
    assert_eq!(explained.rows.returned, Some(7));
    assert_eq!(explained.rows.examined, Some(300), "of three loops");
}

#[test]
fn no_literal_is_left_in_a_plan() {
    let lines = "Query Text: SELECT 'secret  (cost=1'\n\
        Seq Scan on t  (cost=0.0..1.0 rows=5 width=4)\n\
        \x20 Filter: (a = 'x\nsecret on secret  (cost=0.0..1.0 rows=5 width=4)\n'::text)\n";
    for text in [TEXT, lines] {
        let shown = format!("{:?}", plan(text));
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("Seq Scan"), "{shown}");
    }
}

#[test]
fn a_statement_with_a_stray_apostrophe_is_told_without_its_plan() {
    let text = "Query Text: SELECT 1 -- don't\nSeq Scan on t  (cost=0.0..1.0 rows=5 width=4) (actual rows=7 loops=1)";
    let explained = read(text.as_bytes()).unwrap();
    assert_eq!(&*explained.sql, b"SELECT 1 -- don't");
    assert_eq!(*explained.access, Access::default());
    assert_eq!(explained.rows, RowCounts::default());
}

#[test]
fn parameters_behind_the_statement_are_left_out() {
    let text = "Query Text: SELECT $1\nQuery Parameters: $1 = 'secret'\nResult  (cost=0.0..1.0 rows=1 width=4)";
    assert_eq!(&*read(text.as_bytes()).unwrap().sql, b"SELECT $1");
}

#[test]
fn a_plan_in_json_gives_its_statement_and_steps() {
    let text = br#"
{ "Query Text": "SELECT 1;", "Plan": { "Node Type": "Limit", "Plan Rows": 1, "Plans": [
  { "Node Type": "Index Scan", "Relation Name": "t", "Index Name": "pk", "Plan Rows": 9, "Actual Rows": 2.00 } ] } }"#;
    let explained = read(text).unwrap();
    assert_eq!(&*explained.sql, b"SELECT 1;");
    let plan = explained.access.plan.unwrap();
    assert_eq!((&*plan[1].table, &*plan[1].key), ("t", "pk"));
    assert_eq!(plan[1].actual_rows, Some(2));
    assert_eq!(explained.access.full_scan, Some(false));
}

#[test]
fn text_and_json_count_the_same_rows() {
    let text = "Query Text: UPDATE t SET a = 1\n\
        Update on t  (cost=0.0..9.0 rows=0 width=0) (actual rows=0 loops=1)\n\
        \x20 InitPlan 1 (returns $0)\n\
        \x20   ->  Index Only Scan Backward using pk on u  (cost=0.0..1.0 rows=1 width=4) (actual rows=1 loops=1)\n\
        \x20 ->  Bitmap Heap Scan on t  (cost=0.0..9.0 rows=9 width=4) (actual rows=40 loops=1)\n\
        \x20       Rows Removed by Index Recheck: 50\n\
        \x20       Rows Removed by Filter: 10\n\
        \x20       ->  Bitmap Index Scan on i  (cost=0.0..1.0 rows=9 width=0) (actual rows=100 loops=1)\n\
        \x20       ->  Seq Scan on v  (cost=0.0..1.0 rows=9 width=0) (never executed)\n";
    let json = r#"{"Query Text": "UPDATE t SET a = 1", "Plan": {
        "Node Type": "ModifyTable", "Operation": "Update", "Relation Name": "t", "Plan Rows": 0, "Actual Rows": 0, "Actual Loops": 1, "Plans": [
          {"Node Type": "Index Only Scan", "Parent Relationship": "InitPlan", "Relation Name": "u", "Index Name": "pk", "Plan Rows": 1, "Actual Rows": 1, "Actual Loops": 1},
          {"Node Type": "Bitmap Heap Scan", "Parent Relationship": "Outer", "Relation Name": "t", "Plan Rows": 9, "Actual Rows": 40, "Actual Loops": 1,
           "Rows Removed by Filter": 10, "Rows Removed by Index Recheck": 50, "Plans": [
             {"Node Type": "Bitmap Index Scan", "Parent Relationship": "Outer", "Index Name": "i", "Plan Rows": 9, "Actual Rows": 100, "Actual Loops": 1},
             {"Node Type": "Seq Scan", "Parent Relationship": "SubPlan", "Relation Name": "v", "Plan Rows": 9, "Actual Rows": 0, "Actual Loops": 0}]}]}}"#;
    let expected = RowCounts {
        examined: Some(101),
        returned: Some(0),
        affected: Some(40),
    };
    assert_eq!(read(text.as_bytes()).unwrap().rows, expected);
    assert_eq!(
        read(text.as_bytes()).unwrap(),
        read(json.as_bytes()).unwrap()
    );
}

#[test]
fn a_plan_that_was_not_run_tells_no_rows() {
    let text = "Query Text: SELECT 1\nResult  (cost=0.0..1.0 rows=1 width=4)";
    assert_eq!(read(text.as_bytes()).unwrap().rows, RowCounts::default());
}

#[test]
fn a_quoted_table_is_named_without_its_quotes() {
    let text =
        "Query Text: SELECT 1\nSeq Scan on \"Order Lines\" o  (cost=0.0..1.0 rows=1 width=4)";
    assert_eq!(&*plan(text)[0].table, "Order Lines");
}
