//! What the first page says while no incident is open: green only when one would be seen.

use std::time::Duration;

use super::canned::{self, Canned};
use super::site::TestSite;
use crate::metrics::{IngestLag, Metrics};
use crate::model::id::SourceId;
use crate::report::Lang;
use crate::serve::Auth;

async fn first_page(lang: Lang, followed: Option<Vec<SourceId>>, metrics: Metrics) -> String {
    let site = TestSite::following(Canned::quiet(), Auth::default(), lang, followed, metrics);
    site.await.get("/").await.body
}

fn missing() -> SourceId {
    SourceId::new("slow_log:/missing.log")
}

#[tokio::test]
async fn all_is_quiet_when_every_log_has_told_something() {
    for followed in [None, Some(vec![canned::source()])] {
        let page = first_page(Lang::En, followed, Metrics::new()).await;
        assert!(page.contains("hero ok"));
        assert!(page.contains("<h1>All quiet</h1>"));
    }
}

#[tokio::test]
async fn a_log_that_told_nothing_is_counted_and_listed() {
    let followed = vec![canned::source(), missing()];
    for (lang, headline, words) in [
        (
            Lang::En,
            "<h1>No incident is open</h1>",
            "1 of 2 logs have told nothing yet",
        ),
        (
            Lang::Ko,
            "<h1>진행 중인 장애가 없습니다</h1>",
            "로그 2개 중 1개에서 아직 읽은 문장이 없습니다",
        ),
    ] {
        let page = first_page(lang, Some(followed.clone()), Metrics::new()).await;
        assert!(page.contains(headline) && page.contains(words), "{page}");
        assert!(!page.contains("hero ok"));
        assert!(page.contains(missing().as_str()));
    }
}

#[tokio::test]
async fn a_log_that_is_not_followed_any_more_shows_nothing_of_now() {
    for (followed, words) in [
        (vec![], "No log is read"),
        (vec![missing()], "1 of 1 log has told nothing yet"),
    ] {
        let page = first_page(Lang::En, Some(followed), Metrics::new()).await;
        assert!(page.contains(words), "{page}");
        assert!(!page.contains("hero ok"));
    }
}

#[tokio::test]
async fn bytes_that_wait_a_moment_are_no_reason_to_doubt() {
    let metrics = Metrics::new();
    let lag = IngestLag {
        bytes: 4_096,
        age: Duration::ZERO,
    };
    metrics.set_lag(&canned::source(), lag);
    let page = first_page(Lang::En, None, metrics).await;
    assert!(page.contains("hero ok"));
}
