//! What every request passes before a handler sees it.
//!
//! ```text
//! request ─► free place? ─► time limit ─► Host ─► Origin (changes only) ─► role ─► handler
//! response ◄─ security headers ◄───────────────────────────────────────────────────┘
//! ```
//!
//! `Host` is checked against DNS rebinding: a page of another site whose name was made to point at loopback may not
//! read from us. `Origin` is checked against forged forms.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::serve::Site;
use crate::serve::auth::Role;
use crate::serve::problem::Problem;

/// Longest time until a response begins; a page over thirty days takes well under a second.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(15);

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Names under which this server may be addressed; `None`: under any, because a token is asked for anyway.
#[derive(Debug, Clone)]
pub(super) struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// Loopback names, the bound address and the host of `public_url`. A wildcard bind cannot know its names; it has
    /// tokens, and a cookie is never sent to a rebound name.
    pub(super) fn new(bound: SocketAddr, public_url: Option<&str>) -> Self {
        if bound.ip().is_unspecified() {
            return Self(None);
        }
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "[::1]".to_owned(),
        ];
        names.push(match bound {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        });
        let public = public_url.and_then(|url| url.parse::<Uri>().ok());
        names.extend(public.and_then(|url| url.host().map(str::to_ascii_lowercase)));
        Self(Some(names))
    }

    fn allows(&self, authority: &str) -> bool {
        let Some(names) = &self.0 else { return true };
        let name = host_of(authority).to_ascii_lowercase();
        names.contains(&name)
    }
}

/// The host of `host:port`, brackets of IPv6 kept.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The middleware of every route.
pub(super) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let Ok(_place) = site.places.try_acquire() else {
        return dressed(Problem::busy("too many requests at once").into_response());
    };
    let response = match admit(&site, &request) {
        Err(refusal) => refusal,
        Ok(()) => tokio::time::timeout(MAX_ANSWER_TIME, next.run(request))
            .await
            .unwrap_or_else(|_elapsed| Problem::too_slow().into_response()),
    };
    dressed(response)
}

fn dressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[expect(
    clippy::result_large_err,
    reason = "a refusal is the response itself, made once per refused request"
)]
fn admit(site: &Site, request: &Request) -> Result<(), Response> {
    let path = request.uri().path();
    // Probes come with whatever name the orchestrator knows, and learn nothing but yes or no.
    if matches!(path, "/healthz" | "/readyz") {
        return Ok(());
    }
    check_host(site, request).map_err(IntoResponse::into_response)?;
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes {
        check_origin(site, request.headers()).map_err(IntoResponse::into_response)?;
    }
    if path == "/login" || path.starts_with("/assets/") {
        return Ok(());
    }
    let needed = if changes && path != "/logout" {
        Role::Admin
    } else {
        Role::Read
    };
    match site.auth.role(request.headers()) {
        Some(role) if role >= needed => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "this changes something: it needs the token of auth.admin_token_file",
        )
        .into_response()),
        None if is_page(path) && !changes => Err(Redirect::to("/login").into_response()),
        None => Err(Problem::unauthorized(
            "send `Authorization: Bearer TOKEN` with the token of auth.read_token_file or auth.admin_token_file",
        )
        .into_response()),
    }
}

fn is_page(path: &str) -> bool {
    !path.starts_with("/api/") && path != "/metrics"
}

fn check_host(site: &Site, request: &Request) -> Result<(), Problem> {
    let named = request
        .uri()
        .authority()
        .map(Authority::as_str)
        .or_else(|| text(request.headers(), &header::HOST));
    match named {
        Some(host) if site.hosts.allows(host) => Ok(()),
        _ => Err(Problem::misdirected(
            "the Host header names neither this address, nor loopback, nor the host of general.public_url",
        )),
    }
}

/// A browser names the origin of every form; programs name none.
fn check_origin(site: &Site, headers: &HeaderMap) -> Result<(), Problem> {
    let foreign = || Problem::forbidden("changes are not taken from pages of another origin");
    if let Some(fetch_site) = text(headers, &HeaderName::from_static("sec-fetch-site"))
        && !matches!(fetch_site, "same-origin" | "none")
    {
        return Err(foreign());
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_same = authority.is_some() && authority == text(headers, &header::HOST);
    let is_public = site.public_origin.as_deref() == Some(origin);
    if is_same || is_public {
        Ok(())
    } else {
        Err(foreign())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
