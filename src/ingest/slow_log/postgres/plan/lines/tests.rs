use proptest::prelude::*;

use super::super::json::of_any_layout;
use super::value::number;
use super::*;

/// As PostgreSQL writes it, tabs of the log included.
const PLAN: &str = r#"{
	  "Query Text": "SELECT \"a\"\nFROM t WHERE b = '{'",
	  "Plan": {
	    "Node Type": "Sort",
	    "Parallel Aware": false,
	    "Actual Rows": 2.50,
	    "Actual Loops": 3,
	    "Sort Key": ["a", "b"],
	    "Sort Space Type": "Disk",
	    "Workers": [
	      {
	        "Worker Number": 0,
	        "Actual Rows": 77
	      }
	    ],
	    "Plans": [
	      {
	        "Node Type": "Seq Scan",
	        "Parent Relationship": "Outer",
	        "Relation Name": "t",
	        "Plan Rows": 9,
	        "Actual Rows": 2,
	        "Actual Loops": 3,
	        "Filter": "(b = '\\'::text)",
	        "Rows Removed by Filter": 7
	      },
	      {
	        "Node Type": "Index Scan",
	        "Parent Relationship": "InitPlan",
	        "Index Name": "pk",
	        "Plan Rows": 1,
	        "Plans": [
	          {
	            "Node Type": "Result"
	          }
	        ]
	      }
	    ]
	  },
	  "Settings": {
	    "work_mem": "64kB"
	  },
	  "Triggers": [
	  ]
	}
"#;

#[test]
fn a_plan_is_read_as_the_json_reader_reads_it() {
    let read = read(PLAN.as_bytes());
    assert!(read.is_some());
    assert_eq!(read, of_any_layout(PLAN.as_bytes()));
    assert_same(PLAN.as_bytes());
}

#[test]
fn a_plan_without_one_of_its_lines_is_never_read_otherwise_than_by_the_json_reader() {
    let lines: Vec<&str> = PLAN.lines().collect();
    for left_out in 0..lines.len() {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != left_out);
        let text: Vec<&str> = kept.map(|(_, line)| *line).collect();
        let text = text.join("\n");
        let whole = of_any_layout(text.as_bytes());
        if let (Some(read), Some(whole)) = (read(text.as_bytes()), whole) {
            assert_eq!(read, whole, "without {}", lines[left_out]);
        }
    }
}

#[test]
fn a_plan_ends_where_its_lines_do() {
    for behind in ["2026-11-21", "\n", "x"] {
        let text = format!("{PLAN}{behind}");
        let (read, length) = logged(text.as_bytes()).unwrap();
        assert_eq!(Some(read), super::read(PLAN.as_bytes()));
        assert_eq!(length, PLAN.len());
    }
    assert_eq!(logged(PLAN.as_bytes()), None, "a tab may follow");
    let goes_on = format!("{PLAN}\t{{}}\n2026");
    assert_eq!(logged(goes_on.as_bytes()), None);
}

#[test]
fn a_plan_that_was_cut_is_not_read() {
    for end in 0..PLAN.trim_end().len() {
        assert_eq!(read(&PLAN.as_bytes()[..end]), None, "{end}");
    }
}

#[test]
fn numbers_are_those_that_the_json_reader_reads() {
    for text in [
        "0",
        "7",
        "0.10",
        "2.50",
        "123456789.12345",
        "99999999999999",
    ] {
        let expected: f64 = serde_json::from_str(text).unwrap();
        assert_eq!(
            number(text.as_bytes()).unwrap().to_bits(),
            expected.to_bits()
        );
    }
    for text in [
        "",
        "-1",
        "1e3",
        "1.",
        ".5",
        "1.2.3",
        "null",
        "1234567890123456",
    ] {
        assert_eq!(number(text.as_bytes()), None, "{text}");
    }
}

/// What stands in a plan of one line, or of several, is what the JSON reader finds there.
fn assert_same(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    // as a log of csv has it, whose lines stand where most do
    let bare = shown.replace("\n\t", "\n").into_bytes();
    for text in [text, &bare] {
        if let Some(read) = read(text) {
            assert_eq!(Some(read), of_any_layout(text), "{shown}");
        }
    }
}

#[test]
fn a_field_that_is_written_otherwise_is_left_to_the_json_reader() {
    for (usual, other) in [
        ("\"Actual Rows\": 2.50", "\"Actual Rows\":2.50"),
        ("\"Actual Rows\": 2.50", "\"Actual Rows\" : 2.50"),
        ("\"Actual Rows\": 2.50", "\"Actual Rows\": 2.50e0"),
        ("\"Actual Rows\": 2.50", "\"Actual\\u0020Rows\": 2.50"),
        ("\"Relation Name\": \"t\"", "\"Relation Name\":\t\"t\""),
    ] {
        assert!(PLAN.contains(usual));
        let text = PLAN.replace(usual, other);
        assert_eq!(read(text.as_bytes()), None, "{other}");
        assert_eq!(
            of_any_layout(text.as_bytes()),
            read(PLAN.as_bytes()),
            "{other}"
        );
    }
}

#[test]
fn a_broken_plan_is_none() {
    for (well, broken) in [
        ("\"Actual Loops\": 3,", "\"Actual Loops\": 3"),
        (
            "\"Rows Removed by Filter\": 7",
            "\"Rows Removed by Filter\": 7,",
        ),
        (
            "\"Actual Loops\": 3,",
            "\"Actual Loops\": 3,\n\"Actual Loops\": 3,",
        ),
        ("\"Parallel Aware\": false", "\"Parallel Aware\": no"),
        ("\"Worker Number\": 0", "\"Worker Number\": 0x"),
        ("\"Worker Number\": 0", "\"Worker Number\" 0"),
        ("\"work_mem\": \"64kB\"", "\"work_mem\": \"64kB"),
        ("\"Plan Rows\": 9", "\"Plan Rows\": 09"),
        ("\"Triggers\": [", "\"Triggers\": {"),
    ] {
        assert!(PLAN.contains(well));
        let text = PLAN.replacen(well, broken, 1);
        assert_eq!(read(text.as_bytes()), None, "{broken}");
        assert_eq!(of_any_layout(text.as_bytes()), None, "{broken}");
    }
}

proptest! {
    #[test]
    fn a_plan_that_was_changed_anywhere_is_what_the_json_reader_reads(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), "[ \t\r\n\"\\\\:,.{}\\[\\]0-9antu-]{0,3}", 0..4_usize),
            1..4,
        ),
    ) {
        let mut text = PLAN.as_bytes().to_vec();
        for (place, change, taken) in changes {
            let at = place.index(text.len());
            let end = (at + taken).min(text.len());
            text.splice(at..end, change.into_bytes());
        }
        assert_same(&text);
    }

    #[test]
    fn a_plan_of_which_lines_are_moved_is_what_the_json_reader_reads(
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut lines: Vec<&str> = PLAN.lines().collect();
        for place in order {
            let at = place.index(lines.len() - 1);
            lines.swap(at, at + 1);
            lines.insert(at, lines[place.index(lines.len())]);
        }
        assert_same(lines.join("\n").as_bytes());
    }
}
