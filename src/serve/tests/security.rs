use std::io::Write as _;

use super::canned::Canned;
use super::site::{Answer, TestSite};
use crate::report::example;
use crate::serve::Auth;
use crate::serve::auth::Settings;

const READ: &str = "read-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";

async fn guarded() -> TestSite {
    let file = |token: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{token}").unwrap();
        file
    };
    let (read, admin) = (file(READ), file(ADMIN));
    let settings = Settings {
        ingest_token_file: None,
        read_token_file: Some(read.path().to_owned()),
        admin_token_file: Some(admin.path().to_owned()),
    };
    TestSite::with(Canned::new(), Auth::load(&settings).unwrap()).await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn acknowledge(site: &TestSite, headers: &[(&str, &str)]) -> u16 {
    let path = format!("/api/v1/incidents/{}/ack", example::incident().id);
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    site.ask("POST", &path, &all, r#"{"by":"kim"}"#)
        .await
        .status
}

async fn log_in(site: &TestSite, token: &str) -> Answer {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    site.ask("POST", "/login", &form, &format!("token={token}"))
        .await
}

#[tokio::test]
async fn without_a_token_nothing_is_read() {
    let site = guarded().await;
    for path in [
        "/api/v1/incidents",
        "/metrics",
        "/api/v1/stream",
        "/api/v1/openapi.json",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").is_some());
    }
    let page = site.get("/").await;
    assert_eq!(
        (page.status, page.header("location")),
        (303, Some("/login"))
    );
    assert_eq!(site.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn the_read_token_reads_and_only_the_admin_token_changes() {
    let site = guarded().await;
    for (token, read, change) in [(READ, 200, 403), (ADMIN, 200, 200), ("wrong", 401, 401)] {
        let authorization = bearer(token);
        let headers = [("Authorization", authorization.as_str())];
        assert_eq!(
            site.ask("GET", "/api/v1/incidents", &headers, "")
                .await
                .status,
            read
        );
        assert_eq!(acknowledge(&site, &headers).await, change, "{token}");
    }
}

#[tokio::test]
async fn a_login_gives_a_cookie_that_no_script_and_no_other_site_can_use() {
    let site = guarded().await;
    let entered = log_in(&site, READ).await;
    let cookie = entered.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.contains(READ));
    let session = cookie.split(';').next().unwrap();
    assert_eq!(
        site.ask("GET", "/", &[("Cookie", session)], "")
            .await
            .status,
        200
    );
    assert_eq!(acknowledge(&site, &[("Cookie", session)]).await, 403);
    site.ask("POST", "/logout", &[("Cookie", session)], "")
        .await;
    assert_eq!(
        site.ask("GET", "/", &[("Cookie", session)], "")
            .await
            .status,
        303
    );
}

#[tokio::test]
async fn a_wrong_token_gets_no_cookie_and_is_not_repeated() {
    let site = guarded().await;
    let refused = log_in(&site, "not-the-token").await;
    assert!(refused.header("set-cookie").is_none());
    assert!(!refused.body.contains("not-the-token"));
}

#[tokio::test]
async fn a_rebound_name_is_refused() {
    let site = TestSite::start().await;
    for host in [
        "evil.example",
        "evil.example:7470",
        "localhost.evil.example",
        "",
    ] {
        assert_eq!(
            site.ask("GET", "/", &[("Host", host)], "").await.status,
            421,
            "{host}"
        );
    }
    for host in [
        "localhost:7470",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]:7470",
        "ops.example",
    ] {
        assert_eq!(
            site.ask("GET", "/", &[("Host", host)], "").await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let site = TestSite::start().await;
    let own = format!("http://{}", site.address);
    assert_eq!(acknowledge(&site, &[]).await, 200);
    assert_eq!(acknowledge(&site, &[("Origin", &own)]).await, 200);
    assert_eq!(
        acknowledge(&site, &[("Origin", "https://ops.example")]).await,
        200
    );
    for origin in ["https://evil.example", "null", "http://localhost:1", ""] {
        assert_eq!(
            acknowledge(&site, &[("Origin", origin)]).await,
            403,
            "{origin}"
        );
    }
    assert_eq!(
        acknowledge(&site, &[("Sec-Fetch-Site", "cross-site")]).await,
        403
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let site = TestSite::start().await;
    for path in [
        "/",
        "/api/v1/incidents",
        "/nothing",
        "/assets/live.js",
        "/metrics",
        "/healthz",
    ] {
        let answer = site.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("cache-control").is_some());
    }
}
