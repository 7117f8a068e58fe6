//! Headers that go with each request: they hold tokens, and are never shown.

use std::io::Read;
use std::path::Path;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::alert::AlertError;
use crate::forward::{ForwardError, Settings, is_local};

/// Longest file that is read.
const MAX_BYTES: u64 = 16 * 1024;
const KEY: &str = "forward.headers_file";

/// The headers that the settings name.
pub(super) fn read(settings: &Settings, url: &str) -> Result<HeaderMap, ForwardError> {
    let Some(path) = &settings.headers_file else {
        return Ok(HeaderMap::new());
    };
    if url.starts_with("http://") && !is_local(url) {
        return Err(ForwardError::Settings {
            key: KEY,
            problem: "headers may hold a token, which must not travel in clear text; use an https URL in forward.otlp"
                .to_owned(),
        });
    }
    let mut text = String::new();
    let unreadable = |source| AlertError::Unreadable {
        key: KEY,
        path: path.clone(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(parse(&text, path)?)
}

fn parse(text: &str, path: &Path) -> Result<HeaderMap, AlertError> {
    let lines = text.lines().map(str::trim);
    let told = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let headers = told.map(header).collect::<Option<HeaderMap>>();
    headers.ok_or_else(|| AlertError::Unusable {
        key: KEY,
        path: path.to_owned(),
        expected: "one header a line, as in `authorization: Bearer ...`",
    })
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_a_line_each_and_never_shown() {
        let text = "# of the vendor\nAuthorization: Bearer abc:def\n\nx-scope-orgid: 7\n";
        let headers = parse(text, Path::new("h")).unwrap();
        assert_eq!(headers["authorization"], "Bearer abc:def");
        assert_eq!(headers["x-scope-orgid"], "7");
        assert!(!format!("{headers:?}").contains("abc"));
    }

    #[test]
    fn a_line_that_is_no_header_is_refused_without_showing_it() {
        let error = parse("geheim\n", Path::new("/etc/h"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("forward.headers_file: /etc/h must hold one header a line"));
        assert!(!error.contains("geheim"));
    }

    #[test]
    fn tokens_do_not_leave_the_machine_in_clear_text() {
        let settings = Settings {
            headers_file: Some("/nowhere".into()),
            ..Settings::default()
        };
        let refused = read(&settings, "http://tempo.example.com:4317").unwrap_err();
        assert!(refused.to_string().contains("https"));
        let local = read(&settings, "http://127.0.0.1:4317").unwrap_err();
        assert!(local.to_string().contains("/nowhere cannot be read"));
    }
}
