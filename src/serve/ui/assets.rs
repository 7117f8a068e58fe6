//! The two static files, compiled in.

use axum::http::header;
use axum::response::IntoResponse;

/// Looks of every page.
const STYLE: &str = include_str!("style.css");
/// Live refresh and copy buttons; every page works without it.
const SCRIPT: &str = include_str!("live.js");
/// A browser may keep them for a few minutes; an upgrade shows soon.
const CACHE: &str = "private, max-age=300";

/// The style sheet.
pub(in crate::serve) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", STYLE)
}

/// The script.
pub(in crate::serve) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE)];
    (headers, text)
}

#[cfg(test)]
mod contrast;
