use std::collections::BTreeSet;

use utoipa::OpenApi as _;

use super::site::TestSite;
use crate::serve::{openapi, router};

fn concrete(path: &str) -> String {
    path.replace("{id}", "INC-1")
        .replace("{fingerprint}", "0000000000000001")
}

#[test]
fn the_document_and_the_router_name_the_same_paths() {
    let document = openapi::Document::openapi();
    let documented: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
    let routed: BTreeSet<String> = router::documented()
        .iter()
        .map(|(p, _)| (*p).to_owned())
        .collect();
    assert_eq!(documented, routed);
}

#[tokio::test]
async fn every_documented_operation_is_served_and_no_other() {
    let site = TestSite::start().await;
    let document = site.get("/api/v1/openapi.json").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path == "/api/v1/stream" {
            continue; // never ends; it has its own test
        }
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let status = site.ask(method, &concrete(path), &[], "").await.status;
            let is_documented = operations.get(method.to_lowercase()).is_some();
            assert_eq!(
                status != 405,
                is_documented,
                "{method} {path} answers {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_schema_that_is_referred_to_exists() {
    let site = TestSite::start().await;
    let document = site.get("/api/v1/openapi.json").await;
    let schemas = &document.json()["components"]["schemas"];
    for reference in document.body.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.get(name).is_some(), "{name}");
    }
    assert!(document.body.matches("#/components/schemas/").count() > 20);
}

#[tokio::test]
async fn what_the_guard_may_answer_is_documented_but_for_the_probes() {
    let site = TestSite::start().await;
    let document = site.get("/api/v1/openapi.json").await.json();
    let default = |path: &str| &document["paths"][path]["get"]["responses"]["default"];
    assert!(default("/api/v1/queries")["content"]["application/problem+json"].is_object());
    assert!(default("/healthz").is_null());
    let bearer = &document["components"]["securitySchemes"]["token"]["scheme"];
    assert_eq!(bearer, "bearer");
}
