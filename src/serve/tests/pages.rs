use super::canned::{Canned, HOSTILE};
use super::site::TestSite;
use crate::report::{Lang, example};
use crate::serve::Auth;

fn every_page() -> Vec<String> {
    let incident = example::incident().id;
    [
        "/".to_owned(),
        "/incidents".to_owned(),
        format!("/incidents/{incident}"),
        "/queries".to_owned(),
        "/queries?text=%3Cimg%20src=x%20onerror=alert(1)%3E%22'".to_owned(),
        "/queries/0000000000000001".to_owned(),
        "/detectors".to_owned(),
        "/detectors/full-scan".to_owned(),
    ]
    .to_vec()
}

#[tokio::test]
async fn no_page_lets_hostile_text_become_markup() {
    let site = TestSite::with(Canned::hostile(), Auth::default()).await;
    for path in every_page() {
        let page = site.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<img"), "{path}");
        assert!(!page.body.contains(HOSTILE), "{path}");
    }
}

#[tokio::test]
async fn every_page_obeys_its_own_content_policy() {
    let site = TestSite::start().await;
    for path in every_page() {
        let page = site.get(&path).await;
        for (tag, _text) in page.body.split('<').filter_map(|t| t.split_once('>')) {
            let names: String = tag.split('"').step_by(2).collect();
            for forbidden in [" style=", " on"] {
                assert!(!names.contains(forbidden), "{path} has <{tag}>");
            }
        }
        assert!(!page.body.contains("\"javascript:"), "{path}");
        assert!(!page.body.contains("<style"), "{path}");
        let scripts = page.body.matches("<script").count();
        assert_eq!(scripts, page.body.matches("<script src=\"/assets/").count());
    }
}

#[tokio::test]
async fn every_link_within_the_site_leads_somewhere() {
    let site = TestSite::start().await;
    for path in every_page() {
        let page = site.get(&path).await;
        for link in page.body.split(" href=\"/").skip(1) {
            let link = link.split('"').next().unwrap().replace("&amp;", "&");
            if link.starts_with("detectors/") || link.contains("cursor=") {
                continue; // the canned incident names detectors of its own
            }
            let status = site.get(&format!("/{link}")).await.status;
            assert_eq!(status, 200, "{path} -> /{link}");
        }
    }
}

#[tokio::test]
async fn the_first_page_says_how_much_of_the_load_a_source_shows_and_how_far_it_is_read() {
    let site = TestSite::start().await;
    let page = site.get("/").await.body;
    assert!(page.contains("only statements slower than 500 ms, one in 10"));
    assert!(page.contains(">last statement 4 s ago</td>"), "{page}");
    assert!(!page.contains("ehind"), "an idle log is not behind");
}

#[tokio::test]
async fn the_page_of_a_detector_has_the_headings_of_its_docs() {
    let site = TestSite::start().await;
    let page = site.get("/detectors/full-scan").await.body;
    for heading in crate::detect::DetectorMeta::HEADINGS {
        let words = heading.trim_start_matches("## ");
        assert!(page.contains(&format!("<h2>{words}</h2>")), "{words}");
    }
    assert!(!page.contains("## "));
}

#[tokio::test]
async fn every_page_speaks_the_language_of_the_configuration() {
    let site = TestSite::in_language(Lang::Ko).await;
    for path in every_page() {
        let page = site.get(&path).await.body;
        assert!(page.contains("<html lang=\"ko\">"), "{path}");
        for english in [
            ">Now<",
            ">Incidents<",
            ">firing<",
            ">critical<",
            ">Share<",
            "As of ",
        ] {
            assert!(!page.contains(english), "{path} says {english}");
        }
    }
}

#[tokio::test]
async fn the_first_page_stays_small() {
    let site = TestSite::start().await;
    let mut bytes = 0;
    for path in ["/", "/assets/style.css", "/assets/live.js"] {
        bytes += site.get(path).await.body.len();
    }
    assert!(bytes < 60 * 1024, "{bytes}");
}

#[tokio::test]
async fn a_missing_page_is_a_page() {
    let site = TestSite::start().await;
    for path in [
        "/nothing",
        "/incidents/INC-0",
        "/queries/xyz",
        "/detectors/none",
    ] {
        let page = site.get(path).await;
        assert!(matches!(page.status, 400 | 404), "{path}");
        assert!(page.body.starts_with("<!doctype html>"), "{path}");
    }
}

/// Serves the canned site for two minutes, to be looked at:
/// `SQLEUTH_SHOW=1 cargo test --lib serve::tests::pages::show -- --nocapture`.
#[tokio::test]
async fn show() {
    if std::env::var_os("SQLEUTH_SHOW").is_none() {
        return;
    }
    let site = TestSite::start().await;
    eprintln!("http://{}/", site.address);
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
}
