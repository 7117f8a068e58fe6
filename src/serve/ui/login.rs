//! `/login`: shows a token once, gets a cookie.

use std::time::Duration;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::serve::Site;
use crate::serve::auth;
use crate::serve::problem::Problem;
use crate::serve::session::{COOKIE, MAX_AGE};
use crate::serve::ui::html::{el, of_class};
use crate::serve::ui::page::{Page, Section, Shown};

/// A wrong token waits so long for its answer; guessing 64 random characters is hopeless anyway.
const WRONG_TOKEN_DELAY: Duration = Duration::from_millis(500);

/// The form.
pub(in crate::serve) async fn form(State(site): State<Site>) -> Shown {
    if !site.auth.is_required() {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(ask(&site, None))
}

fn ask(site: &Site, complaint: Option<&str>) -> axum::response::Response {
    let token = el("input")
        .attr("type", "password")
        .attr("name", "token")
        .attr("id", "token")
        .attr("required", "")
        .attr("autocomplete", "current-password");
    let form = el("form")
        .attr("method", "post")
        .attr("action", "/login")
        .child(el("label").attr("for", "token").child("Token"))
        .child(token)
        .child(el("button").child("Log in"));
    let complaint =
        complaint.map(|words| of_class("p", "error").attr("role", "alert").child(words));
    let body = of_class("section", "login")
        .child(el("h1").child("Log in"))
        .child(of_class("p", "quiet").child(
            "With the token of auth.read_token_file, or that of auth.admin_token_file to change things.",
        ))
        .child(complaint)
        .child(form);
    let page = Page {
        title: "Log in".to_owned(),
        section: Section::None,
        live: false,
        body: body.into(),
    };
    page.render(site)
}

/// What the form sends.
#[derive(Deserialize)]
pub(in crate::serve) struct LoginForm {
    token: String,
}

/// Compares the token and begins a session.
pub(in crate::serve) async fn enter(
    State(site): State<Site>,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Shown {
    let Form(form) = form.map_err(|_| Problem::bad_request("token: missing"))?;
    let Some(role) = site.auth.role_of_token(form.token.trim()) else {
        tokio::time::sleep(WRONG_TOKEN_DELAY).await;
        return Ok(ask(&site, Some("This is not the token.")));
    };
    let Some(name) = site.auth.sessions.begin(role) else {
        tracing::error!("the system has no randomness to give; nobody can log in");
        return Err(Problem::internal().into());
    };
    Ok(with_cookie(&site, &name, MAX_AGE))
}

/// Ends the session.
pub(in crate::serve) async fn leave(State(site): State<Site>, headers: HeaderMap) -> Shown {
    if let Some(name) = auth::cookie(&headers) {
        site.auth.sessions.end(name);
    }
    Ok(with_cookie(&site, "", Duration::ZERO))
}

fn with_cookie(site: &Site, value: &str, max_age: Duration) -> axum::response::Response {
    // Behind a proxy that speaks TLS the cookie must not travel without it.
    let is_tls = site
        .public_origin
        .as_deref()
        .is_some_and(|o| o.starts_with("https://"));
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
        max_age.as_secs()
    );
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}
