//! `sqleuth demo --once`: one incident for each recording, the same every time.

use std::process::Command;

fn demo(arguments: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .arg("demo")
        .args(arguments)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, output.status.code())
}

/// What does not change from run to run: incidents without their times and names.
fn stories(said: &str) -> Vec<&str> {
    let told = said
        .lines()
        .filter(|line| line.contains("INC-") || line.starts_with("    "));
    let unnamed = |line: &str| {
        line.find("INC-")
            .and_then(|at| line[at..].find(' ').map(|end| at + end))
    };
    told.map(|line| unnamed(line).map_or(line, |at| &line[at..]))
        .collect()
}

#[test]
fn every_recording_is_one_incident_with_the_union_first() {
    let (said, code) = demo(&["--once"]);
    assert_eq!(code, Some(0), "{said}");
    let goes_on = |line: &str| line.contains("resolved after") || line.contains("became critical");
    let begun: Vec<_> = said
        .lines()
        .filter(|line| line.contains("INC-") && !goes_on(line))
        .collect();
    let recordings = said.lines().take_while(|line| !line.is_empty()).count();
    assert_eq!(begun.len(), recordings, "{said}");
    assert!(recordings > 0, "{said}");
    for line in begun {
        assert!(line.contains("union-hotspot on orders, refunds"), "{said}");
    }
    assert_eq!(said.matches("resolved after").count(), recordings, "{said}");
}

#[test]
fn a_replay_tells_the_same_every_time() {
    let (first, _) = demo(&["--once"]);
    let (second, _) = demo(&["--once"]);
    assert_eq!(stories(&first), stories(&second));
}

#[test]
fn an_unknown_recording_is_refused_with_the_known_ones() {
    let output = Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["demo", "--case", "nothing"])
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("union-mariadb"));
}
