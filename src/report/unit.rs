//! Numbers as people read them: `1.2 M`, `34.5 s`, `71 %`, `13 m 20 s`.

use std::time::Duration;

use crate::model::evidence::Unit;

const SECONDS_PER_MINUTE: f64 = 60.0;
const SECONDS_PER_HOUR: f64 = 3_600.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// A number with its unit; a plain count or quotient stands alone.
pub fn quantity(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => seconds(value),
        Unit::Bytes => bytes(value),
        Unit::Rows | Unit::Count | Unit::Ratio => count(value),
        Unit::Share => percent(value),
        Unit::PerSecond => format!("{}/s", count(value)),
    }
}

/// At most four digits and a decimal prefix: `940`, `9,400`, `34.5 k`, `1.2 M`.
pub fn count(value: f64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")];
    let size = value.abs();
    // 9 999.96 must not become "10,000" beside "10 k".
    for (from, prefix) in STEPS {
        if size >= from {
            let unit = if from < 1e5 { 1e3 } else { from };
            return format!("{}{prefix}", short(value / unit));
        }
    }
    if size >= 1e3 {
        return thousands(value.round());
    }
    short(value)
}

/// A whole number with a comma every three digits.
pub fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn thousands(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let text = format!("{:.0}", value.abs());
    let (head, tail) = text.split_at(text.len().saturating_sub(3));
    if head.is_empty() {
        return format!("{sign}{tail}");
    }
    format!("{sign}{head},{tail}")
}

/// One decimal where it tells something: `3`, `3.5`, `35.1`, `351`, `0.04`.
fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if size < 0.1 {
        return trim_zeros(&format!("{value:.3}"));
    }
    if size >= 100.0 {
        return format!("{value:.0}");
    }
    trim_zeros(&format!("{value:.1}"))
}

fn trim_zeros(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds as a length of time: `350 µs`, `120 ms`, `34.5 s`, `13 m 20 s`, `2 h 5 m`, `3 d 4 h`.
pub fn seconds(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0 s".to_owned()
    } else if size < 0.000_999_5 {
        format!("{} µs", short(value * 1e6))
    } else if size < 0.999_5 {
        format!("{} ms", short(value * 1e3))
    } else if size < SECONDS_PER_MINUTE {
        format!("{} s", short(value))
    } else if size < SECONDS_PER_HOUR {
        two_units(value, SECONDS_PER_MINUTE, ("m", "s"), 1.0)
    } else if size < SECONDS_PER_DAY {
        two_units(value, SECONDS_PER_HOUR, ("h", "m"), SECONDS_PER_MINUTE)
    } else {
        two_units(value, SECONDS_PER_DAY, ("d", "h"), SECONDS_PER_HOUR)
    }
}

/// A duration as a length of time.
pub fn duration(value: Duration) -> String {
    seconds(value.as_secs_f64())
}

fn two_units(value: f64, big: f64, names: (&str, &str), small: f64) -> String {
    let in_small = (value / small).floor();
    let per_big = big / small;
    let whole = (in_small / per_big).floor();
    let rest = in_small - whole * per_big;
    if rest < 1.0 {
        return format!("{whole:.0} {}", names.0);
    }
    format!("{whole:.0} {} {rest:.0} {}", names.0, names.1)
}

/// A part of a whole: `0.71` is `71 %`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let size = value.abs();
    if size == 0.0 || size >= 9.95 {
        return format!("{value:.0} %");
    }
    if size < 0.1 {
        return "< 0.1 %".to_owned();
    }
    format!("{} %", trim_zeros(&format!("{value:.1}")))
}

/// Bytes with a binary prefix: `1.2 MiB`.
pub fn bytes(value: f64) -> String {
    const PREFIXES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut scaled = value;
    let mut index = 0;
    while scaled.abs() >= 1_023.5 && index + 1 < PREFIXES.len() {
        scaled /= 1_024.0;
        index += 1;
    }
    format!("{} {}", short(scaled), PREFIXES[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_aloud() {
        let shown = [0.0, 3.0, 3.46, 940.0, 9_400.0, 34_512.0, 1_234_567.0, 9.6e9];
        let texts = shown.map(count);
        assert_eq!(
            texts,
            ["0", "3", "3.5", "940", "9,400", "34.5 k", "1.2 M", "9.6 G"]
        );
    }

    #[test]
    fn lengths_of_time_have_at_most_two_units() {
        let shown = [
            0.0, 0.000_35, 0.12, 0.999_9, 34.52, 800.0, 7_500.0, 273_600.0, 60.0,
        ];
        assert_eq!(
            shown.map(seconds),
            [
                "0 s",
                "350 µs",
                "120 ms",
                "1 s",
                "34.5 s",
                "13 m 20 s",
                "2 h 5 m",
                "3 d 4 h",
                "1 m"
            ]
        );
    }

    #[test]
    fn shares_keep_a_decimal_only_below_ten_per_cent() {
        assert_eq!(
            [0.0, 0.000_4, 0.004, 0.071, 0.714, 1.0].map(percent),
            ["0 %", "< 0.1 %", "0.4 %", "7.1 %", "71 %", "100 %"]
        );
    }

    #[test]
    fn bytes_are_binary() {
        assert_eq!(
            [0.0, 512.0, 1_258_291.0, f64::MAX].map(bytes)[..3],
            ["0 B", "512 B", "1.2 MiB"]
        );
    }

    #[test]
    fn exact_numbers_have_commas() {
        assert_eq!(
            [7, 1_000, 1_234_567].map(exact),
            ["7", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn extremes_do_not_panic() {
        for value in [f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, -1.5, 9_999.96] {
            for unit in [Unit::Seconds, Unit::Bytes, Unit::Rows, Unit::Share] {
                assert!(!quantity(value, unit).is_empty());
            }
        }
    }
}
