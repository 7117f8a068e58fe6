//! What a run costs over days, told to advice.

use super::*;
use crate::model::course::CoursePoint;

const DAY: u64 = 86_400;

/// A run a minute for the first hour of the day; each day a run takes 10 ms more than the day before.
fn watch(windows: &mut Windows, store: &mut Store, day: u64) -> Vec<CoursePoint> {
    let mut course = Vec::new();
    for minute in 0..60 {
        let secs = day * DAY + minute * 60;
        let run = event(at(secs), 1, 10 * (day + 1));
        for output in windows.observe(batch(vec![run], secs), at(secs)) {
            if let Output::Closed(closed) = &output {
                let mut long = closed.profiles.iter();
                let long = long.rfind(|p| p.horizon == Horizon::Long);
                course = long.map_or(course, |p| p.course.clone());
            }
            store.commit(output);
        }
    }
    course
}

#[test]
fn what_a_run_cost_is_known_over_days_and_restarts() {
    let mut store = Store::default();
    let mut windows = windows();
    for day in 0..3 {
        watch(&mut windows, &mut store, day);
    }
    for output in windows.drain() {
        store.commit(output);
    }
    let mut windows = store.reopened();
    let mut course = Vec::new();
    for day in 3..6 {
        course = watch(&mut windows, &mut store, day);
    }
    let told: Vec<(u64, u64, u128)> = course
        .iter()
        .map(|p| {
            (
                p.at.since(at(0)).as_secs(),
                p.rows_examined,
                p.elapsed.as_millis(),
            )
        })
        .collect();
    let half_hours = (0..6).flat_map(|day| [(day * DAY, day), (day * DAY + 1_800, day)]);
    let expected: Vec<_> = half_hours
        .map(|(at, day)| (at, 100 * (day + 1), u128::from(10 * (day + 1))))
        .collect();
    assert_eq!(told, expected);
    let (last, whole) = course.split_last().unwrap();
    assert!(
        whole.iter().all(|p| p.runs == 30),
        "no run twice: {course:?}"
    );
    assert!(
        (20..30).contains(&last.runs),
        "the half hour that has begun: {last:?}"
    );
}

#[test]
fn courses_that_are_damaged_begin_anew() {
    let mut windows = windows();
    let body = b"no courses".to_vec();
    let source = SourceId::new("slow_log:test");
    let damaged = windows.restore_courses(vec![PackedCourses { source, body }]);
    assert_eq!(damaged.len(), 1);
    let course = watch(&mut windows, &mut Store::default(), 0);
    assert_eq!(course.len(), 2);
}
