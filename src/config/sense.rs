//! What values must keep to beyond their types: what would silence a detector or break a link.

use toml::Value;

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
    if let Ok(Value::Table(detect)) = Value::try_from(&config.detect) {
        for (slug, settings) in &detect {
            found.extend(odd_numbers(&format!("detect.{slug}"), settings));
        }
    }
    if let Ok(window) = Value::try_from(&config.window) {
        found.extend(odd_numbers("window", &window));
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

/// Numbers that no measurement can be held against. What is named a share is one, from nothing to all.
fn odd_numbers(section: &str, settings: &Value) -> Vec<Nonsense> {
    let mut odd = Vec::new();
    for (key, value) in settings.as_table().into_iter().flatten() {
        let Value::Float(number) = value else {
            continue;
        };
        let is_share = key.ends_with("share");
        let (is_sound, what, fix) = if is_share {
            let fix = "write a number from 0 to 1, like 0.5 for 50 %";
            (
                (0.0..=1.0).contains(number),
                "no share: not within 0 and 1",
                fix,
            )
        } else {
            let is_sound = number.is_finite() && *number >= 0.0;
            (
                is_sound,
                "neither zero nor a positive number",
                "see `sqleuth defaults`",
            )
        };
        if !is_sound {
            let key = format!("{section}.{key}");
            odd.push(Nonsense { key, what, fix });
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use toml::Value;

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
    fn a_share_is_a_number_from_nothing_to_all() {
        let told = problems("[detect.load-hog]\nmin_share = 50\n[window]\nlong_min_share = -3.0\n");
        let lines: Vec<&str> = told.lines().collect();
        let [load, window] = lines[..] else {
            panic!("two problems: {told}");
        };
        assert!(
            load.starts_with("f:2: `detect.load-hog.min_share`"),
            "{told}"
        );
        assert!(window.starts_with("f:4: `window.long_min_share`"), "{told}");
        assert!(
            load.contains("0 and 1") && load.contains("0.5 for 50 %"),
            "{told}"
        );
        let whole = "[detect.load-hog]\nmin_share = 1\n[window]\nlong_min_share = 0\n";
        parse("f", whole, []).unwrap();
    }

    #[test]
    fn every_limit_of_a_share_is_named_one() {
        let all = Value::try_from(crate::config::Config::default()).unwrap();
        let detect = all["detect"].as_table().unwrap();
        let keys = detect
            .values()
            .filter_map(Value::as_table)
            .flat_map(|table| table.keys());
        for key in keys.filter(|key| key.contains("share")) {
            assert!(key.ends_with("share"), "{key}");
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
