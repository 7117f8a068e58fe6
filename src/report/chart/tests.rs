//! Charts are well-formed, bounded and hold no more than text and shapes.

use proptest::prelude::*;

use super::*;

fn chart(kind: Kind, names: &[String], values: &[Option<f64>]) -> Chart {
    let from = Timestamp::from_unix_secs(1_795_237_200);
    Chart {
        title: "Load".to_owned(),
        description: "Load over time".to_owned(),
        kind,
        unit: Unit::Seconds,
        axis: "run time".to_owned(),
        from,
        step: Duration::from_secs(10),
        series: (names.iter())
            .map(|name| Series {
                name: name.clone(),
                values: values.to_vec(),
            })
            .collect(),
        band: Some((
            Interval {
                from: from.plus(Duration::from_secs(20)),
                to: from.plus(Duration::from_secs(40)),
            },
            "incident".to_owned(),
        )),
        marks: vec![(from, "deploy".to_owned())],
        zone: jiff::tz::TimeZone::UTC,
    }
}

#[test]
fn a_chart_tells_itself_without_colours() {
    let svg = render(&chart(
        Kind::Stacked,
        &["SELECT ?".to_owned()],
        &[Some(1.0); 9],
    ));
    for part in [
        "role=\"img\"",
        "<title",
        "<desc",
        ">A</text>",
        "incident",
        "A  SELECT ?",
    ] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let name = "</text><script>alert(1)</script>\u{0}&\"'".to_owned();
    let svg = render(&chart(Kind::Lines, &[name], &[Some(1.0), None, Some(2.0)]));
    assert!(!svg.contains("<script") && !svg.contains('\u{0}'));
}

#[test]
fn a_long_series_has_no_more_points_than_pixels() {
    let svg = render(&chart(
        Kind::Lines,
        &["x".to_owned()],
        &vec![Some(1.0); 100_000],
    ));
    assert!(svg.len() < 20_000, "{}", svg.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_values_are_drawn_inside_the_picture(
        values in prop::collection::vec(prop::option::of(any::<f64>()), 0..40),
        count in 0_usize..9,
        stacked in any::<bool>(),
    ) {
        let kind = if stacked { Kind::Stacked } else { Kind::Lines };
        let names: Vec<_> = (0..count).map(|n| format!("series {n}")).collect();
        let svg = render(&chart(kind, &names, &values));
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
