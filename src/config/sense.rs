//! What values must keep to beyond their types: what would silence a detector or break a link.

use toml::{Table, Value};

use super::Config;

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct Nonsense {
    /// Its key, with those of the tables that it is in.
    pub(super) key: String,
    pub(super) what: &'static str,
    pub(super) fix: &'static str,
}

/// What is wrong with the values; empty when they make sense.
pub(super) fn nonsense(config: &Config) -> Vec<Nonsense> {
    let mut found = Vec::new();
    let general = &config.general;
    for (key, url) in [
        ("public_url", &general.public_url),
        ("jaeger_url", &general.jaeger_url),
        ("grafana_url", &general.grafana_url),
    ] {
        if url.as_deref().is_some_and(|url| !is_url(url)) {
            found.push(Nonsense {
                key: format!("general.{key}"),
                what: "no address of a page",
                fix: "begin it with http:// or https:// and a host",
            });
        }
    }
    if let Ok(detect) = Table::try_from(&config.detect) {
        for key in odd_numbers(&detect) {
            found.push(Nonsense {
                key: format!("detect.{key}"),
                what: "neither zero nor a positive number",
                fix: "see `sqleuth defaults`",
            });
        }
    }
    found
}

fn is_url(url: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let names_a_host =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    rest.is_some_and(names_a_host) && url.chars().all(|c| c.is_ascii_graphic())
}

/// Keys of numbers that no measurement can be held against.
fn odd_numbers(detect: &Table) -> Vec<String> {
    let mut odd = Vec::new();
    for (slug, settings) in detect {
        for (key, value) in settings.as_table().into_iter().flatten() {
            let is_odd =
                matches!(value, Value::Float(number) if !(number.is_finite() && *number >= 0.0));
            if is_odd {
                odd.push(format!("{slug}.{key}"));
            }
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    fn problems(text: &str) -> String {
        parse("f", text, []).unwrap_err().to_string()
    }

    #[test]
    fn a_number_that_is_none_would_silence_a_detector() {
        let told = problems(
            "[detect.full-scan]\nmin_ratio = nan\nmin_load = -3.0\n[detect.load-hog]\nmin_share = inf\n",
        );
        for key in [
            "full-scan.min_ratio",
            "full-scan.min_load",
            "load-hog.min_share",
        ] {
            assert!(told.contains(&format!("`detect.{key}`")), "{told}");
        }
    }

    #[test]
    fn what_means_nothing_is_told_with_its_line() {
        let told = problems("[general]\nservice = \"a\"\npublic_url = \"nowhere\"\n");
        assert!(told.starts_with("f:3: `general.public_url`"), "{told}");
        let variable = (
            "SQLEUTH__DETECT__FULL_SCAN__MIN_LOAD".to_owned(),
            "-1.0".to_owned(),
        );
        let told = parse("f", "", [variable]).unwrap_err().to_string();
        assert!(
            told.starts_with("environment variable SQLEUTH__DETECT"),
            "{told}"
        );
    }

    #[test]
    fn an_address_without_a_scheme_would_break_every_message() {
        for bad in ["nonsense", "https://", "javascript:alert(1)", "https://a b"] {
            let told = problems(&format!("[general]\npublic_url = \"{bad}\"\n"));
            assert!(told.contains("`general.public_url`"), "{told}");
        }
        for good in ["http://127.0.0.1:7470", "https://[::1]/sqleuth"] {
            parse("f", &format!("[general]\npublic_url = \"{good}\"\n"), []).unwrap();
        }
    }
}
