use super::*;

/// A round minute.
const T0: u64 = 1_800_000_000;

fn minutes(runs: &[(u64, u64)]) -> Minutes {
    let mut minutes = Minutes::default();
    for (end, seconds) in runs {
        let end = Timestamp::from_unix_secs(T0 + end);
        let elapsed = Duration::from_secs(*seconds);
        let spent = Spent {
            elapsed,
            lock: elapsed / 2,
            read: Some(Stretch::of(end, *seconds, 1, elapsed)),
            weight: 1,
        };
        minutes.add(end, &spent);
    }
    minutes
}

#[test]
fn the_minute_whose_runs_took_longest_is_known_with_what_they_read() {
    let quiet = (0..60).map(|minute| (minute * 60 + 30, 2));
    let bad = (0..8).map(|second| (7_210 + second, 5));
    let runs: Vec<_> = quiet.chain(bad).collect();
    let read = minutes(&runs).peak().unwrap().reading.unwrap();
    assert_eq!((read.runs, read.answered, read.rows), (8, 8, 40));
    assert_eq!(read.elapsed().as_secs(), 40);
}

#[test]
fn a_run_of_many_minutes_is_known_in_that_in_which_it_ended() {
    let read = minutes(&[(3_605, 1_800)]).peak().unwrap().reading.unwrap();
    assert_eq!((read.runs, read.elapsed().as_secs()), (1, 1_800));
}

fn peak(runs: &[(u64, u64)]) -> (u64, u64, u64, u64) {
    let peak = minutes(runs).peak().unwrap();
    let at = peak.span.from.as_unix_nanos() / 1_000_000_000 - T0;
    (at, peak.runs, peak.elapsed.as_secs(), peak.waited.as_secs())
}

#[test]
fn what_is_spread_over_a_day_is_no_busy_minute() {
    let day: Vec<_> = (0..180).map(|i| (i * 480 + 30, 1)).collect();
    assert_eq!(peak(&day).1..=peak(&day).2, 1..=1);
}

#[test]
fn one_bad_minute_is_not_thinned_out_by_the_day() {
    let quiet = (0..1_000).map(|i| (i * 60 + 30, 1));
    let bad = (0..59).map(|i| (36_000 + i, 1));
    let bad = bad.chain([(36_059, 1)]);
    let mut runs: Vec<_> = quiet.chain(bad).collect();
    runs.sort_unstable();
    assert_eq!(peak(&runs), (36_000, 60, 60, 30));
}

#[test]
fn long_runs_are_counted_in_the_minutes_in_which_they_ran() {
    let reports = [(3_605, 3_600), (3_605, 3_600), (3_605, 3_600)];
    assert_eq!(peak(&reports), (3_540, 3, 180, 90));
}

#[test]
fn runs_that_end_apart_meet_in_the_minute_that_they_share() {
    let (_, runs, elapsed, _) = peak(&[(1_200, 1_200), (2_400, 2_400), (3_000, 3_000)]);
    assert_eq!((runs, elapsed), (3, 180));
}

#[test]
fn a_second_file_of_the_same_day_adds_its_runs_to_the_same_minutes() {
    let mut day: Vec<_> = (0..1_440).map(|i| (i * 60 + 30, 1)).collect();
    day.extend((0..30).map(|i| (36_000 + i, 1)));
    day.sort_unstable();
    let twice: Vec<_> = day.iter().chain(&day).copied().collect();
    let minutes = minutes(&twice);
    assert_eq!(minutes.peak().unwrap().elapsed.as_secs(), 2 * 30);
    assert!(minutes.kept.len() <= MAX_SPARE + 2);
}

#[test]
fn the_order_of_a_log_changes_nothing() {
    let quiet = (0..3_000).map(|i| (i * 20 + 10, 1));
    let bad = (0..50).map(|i| (30_000 + i, 4));
    let mut sorted: Vec<_> = quiet.chain(bad).collect();
    sorted.sort_unstable();
    let known = minutes(&sorted).peak().unwrap();
    // Of 3,050, which 1,019 has no divisor in common with.
    let mut mixed = Vec::new();
    for i in 0..sorted.len() {
        mixed.push(sorted[i * 1_019 % sorted.len()]);
    }
    let told = minutes(&mixed).peak().unwrap();
    assert_eq!(told.span, known.span);
    assert!(told.elapsed >= known.elapsed * 9 / 10, "{told:?}");
    let (first, second) = sorted.split_at(sorted.len() / 2);
    let hosts: Vec<_> = first
        .iter()
        .zip(second)
        .flat_map(|(a, b)| [*a, *b])
        .collect();
    assert_eq!(minutes(&hosts).peak().unwrap(), known);
}

#[test]
fn no_number_of_long_runs_opens_more_minutes() {
    let runs: Vec<_> = (0..500).map(|i| (i * 977, 900_000)).collect();
    let bound = MAX_REACH as usize + 2 + MAX_SPARE;
    assert!(minutes(&runs).kept.len() <= bound);
}

#[test]
fn a_nightly_run_is_a_day_apart_from_the_next() {
    let apart = |runs: &[(u64, u64)]| minutes(runs).peak().unwrap().apart;
    let day = 86_400;
    assert_eq!(apart(&[(day, 1)]), None);
    assert_eq!(
        apart(&[(day, 1), (2 * day, 1)]),
        Some(Duration::from_secs(day))
    );
    let again = [(day, 1), (2 * day, 1), (2 * day + 40, 1), (3 * day, 1)];
    assert_eq!(apart(&again), Some(Duration::from_secs(40)));
}

#[test]
fn two_hosts_whose_clocks_lie_apart_run_no_less_often() {
    let hour = 3_600;
    let runs = (0..20).flat_map(|i| [(i * 60 + 5, 1), (9 * hour + i * 60 + 7, 1)]);
    let runs: Vec<_> = runs.collect();
    let apart = minutes(&runs).peak().unwrap().apart;
    assert!(apart <= Some(MINUTE), "{apart:?}");
}

#[test]
fn halves_of_one_minute_are_one_minute() {
    let runs: Vec<_> = (0..40).map(|i| (i, 3)).chain([(4_000, 1)]).collect();
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for (at, run) in runs.iter().enumerate() {
        if at.is_multiple_of(2) {
            even.push(*run);
        } else {
            odd.push(*run);
        }
    }
    let mut halves = minutes(&even);
    halves.merge(&minutes(&odd));
    let (halves, whole) = (halves.peak().unwrap(), minutes(&runs).peak().unwrap());
    assert_eq!((halves.runs, halves.elapsed), (whole.runs, whole.elapsed));
    assert_eq!(halves.reading, whole.reading);
}

#[test]
fn a_minute_with_more_time_hides_none_with_more_runs() {
    let often = (0..10).map(|i| (i * 5 + 5, 1));
    let runs: Vec<_> = often.chain([(3_658, 58)]).collect();
    assert_eq!(peak(&runs).1, 10);
}

#[test]
fn nothing_told_is_no_minute() {
    assert!(Minutes::default().peak().is_none());
}
