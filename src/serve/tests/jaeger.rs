//! What Grafana and Jaeger's page ask for, in their words.

use super::site::TestSite;

const ID: &str = "00000000000000000000000000000abc";

#[tokio::test]
async fn a_trace_is_answered_as_grafana_reads_it() {
    let site = TestSite::start().await;
    for id in [ID, "abc", "ABC"] {
        let answer = site.get(&format!("/jaeger/api/traces/{id}")).await;
        assert_eq!(answer.status, 200);
        let trace = &answer.json()["data"][0];
        assert_eq!(trace["traceID"], ID);
        let request = &trace["spans"][1];
        assert_eq!(request["spanID"], "0000000000000002");
        assert_eq!(request["operationName"], "GET /cart");
        assert_eq!(request["references"][0]["refType"], "CHILD_OF");
        assert_eq!(request["references"][0]["spanID"], "0000000000000001");
        assert_eq!(request["startTime"], 1_800_000_000_005_000_u64);
        assert_eq!(request["duration"], 190_000);
        assert_eq!(request["warnings"][0], "one request runs it ten times");
        let process = request["processID"].as_str().unwrap();
        assert_eq!(trace["processes"][process]["serviceName"], "shop");
        let tags = trace["spans"][2]["tags"].as_array().unwrap();
        let tag = |key: &str| tags.iter().find(|tag| tag["key"] == key).unwrap()["value"].clone();
        assert_eq!(tag("db.query.text"), "SELECT title FROM item WHERE id = ?");
        assert_eq!(tag("db.system.name"), "postgresql");
        assert_eq!(tag("span.kind"), "client");
    }
}

#[tokio::test]
async fn an_unknown_trace_is_not_found_in_both_dialects() {
    let site = TestSite::start().await;
    let v1 = site.get("/jaeger/api/traces/123").await;
    assert_eq!(v1.status, 404);
    assert_eq!(v1.json()["errors"][0]["code"], 404);
    let v3 = site.get("/jaeger/api/v3/traces/123").await;
    assert_eq!(v3.status, 404);
    assert_eq!(v3.json()["error"]["httpCode"], 404);
}

#[tokio::test]
async fn services_and_operations_are_listed_in_both_dialects() {
    let site = TestSite::start().await;
    assert_eq!(
        site.get("/jaeger/api/services").await.json()["data"][1],
        "shop"
    );
    assert_eq!(
        site.get("/jaeger/api/v3/services").await.json()["services"][1],
        "shop"
    );
    let v1 = site
        .get("/jaeger/api/services/shop/operations")
        .await
        .json();
    assert_eq!(v1["data"][0], "GET /cart");
    let named = site
        .get("/jaeger/api/operations?service=shop&spanKind=server")
        .await
        .json();
    assert_eq!(named["data"][0]["spanKind"], "server");
    assert_eq!(named["total"], 1);
    let v3 = site
        .get("/jaeger/api/v3/operations?service=shop")
        .await
        .json();
    assert_eq!(v3["operations"][1]["name"], "SELECT shop");
}

#[tokio::test]
async fn a_search_is_answered_in_both_dialects() {
    let site = TestSite::start().await;
    let v1 = site
        .get("/jaeger/api/traces?service=shop&limit=5")
        .await
        .json();
    assert_eq!(v1["data"][0]["traceID"], ID);
    let by_id = site
        .get(&format!("/jaeger/api/traces?traceID={ID}&traceID=77"))
        .await
        .json();
    assert_eq!(by_id["total"], 1);
    let v3 = site
        .get("/jaeger/api/v3/traces?query.serviceName=shop")
        .await
        .json();
    assert_eq!(
        v3["result"]["resourceSpans"][1]["scopeSpans"][0]["spans"][0]["traceId"],
        ID
    );
    let summaries = site
        .get("/jaeger/api/v3/trace-summaries?query.serviceName=shop&query.searchDepth=20")
        .await
        .json();
    let summary = &summaries["summaries"][0];
    assert_eq!(summary["rootServiceName"], "proxy");
    assert_eq!(summary["spanCount"], 12);
    assert_eq!(summary["errorSpanCount"], 1);
    assert_eq!(summary["orphanSpanCount"], 0);
    assert_eq!(summary["minStartTimeUnixNano"], "1800000000000000000");
}

#[tokio::test]
async fn a_trace_of_the_newer_dialect_is_otlp() {
    let site = TestSite::start().await;
    let answer = site
        .get(&format!("/jaeger/api/v3/traces/{ID}"))
        .await
        .json();
    let resources = answer["result"]["resourceSpans"].as_array().unwrap();
    let shop = &resources[1];
    assert_eq!(
        shop["resource"]["attributes"][0]["value"]["stringValue"],
        "shop"
    );
    let spans = |scope: usize| {
        shop["scopeSpans"][scope]["spans"]
            .as_array()
            .unwrap()
            .clone()
    };
    let request = &spans(0)[0];
    assert_eq!(request["kind"], 2);
    assert_eq!(request["status"]["code"], 2);
    let attributes = request["attributes"].as_array().unwrap();
    let warning = attributes
        .iter()
        .find(|a| a["key"] == "@jaeger@warnings")
        .unwrap();
    let words = &warning["value"]["arrayValue"]["values"][0]["stringValue"];
    assert_eq!(words, "one request runs it ten times");
    assert_eq!(spans(1)[0]["parentSpanId"], "0000000000000002");
}

#[tokio::test]
async fn calls_between_services_are_counted() {
    let site = TestSite::start().await;
    let path = "/jaeger/api/dependencies?endTs=1800000600000&lookback=3600000";
    let links = site.get(path).await.json()["data"].clone();
    assert_eq!(
        links[0],
        serde_json::json!({"parent": "proxy", "child": "shop", "callCount": 1})
    );
    assert_eq!(links[1]["callCount"], 10);
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let site = TestSite::start().await;
    for path in [
        "/jaeger/api/traces?service=shop&limit=x",
        "/jaeger/api/traces",
        "/jaeger/api/traces/xyz",
        "/jaeger/api/operations",
        "/jaeger/api/v3/operations",
        "/jaeger/api/v3/traces?query.startTimeMin=1",
        "/jaeger/api/dependencies?endTs=now",
    ] {
        assert_eq!(site.get(path).await.status, 400, "{path}");
    }
}
