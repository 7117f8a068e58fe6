//! What is not taken, and how its sender is told.

use super::*;

#[tokio::test]
async fn what_is_malformed_is_refused_for_good() {
    let (receiver, _inbox) = open();
    let mut cut = spans(1, 0);
    cut.truncate(cut.len() - 2);
    let answer = over_http(&receiver, cut.clone()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    let (code, message, details) = status(&answer.body);
    assert_eq!((code, details), (3, 0), "{message}");
    assert_eq!(over_grpc(&receiver, cut).await.header("grpc-status"), "3");
    let gzip = [PROTOBUF, ("content-encoding", "gzip")];
    let answer = post(&receiver, "/v1/traces", &gzip, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for body in [
        Vec::new(),
        framed(0, b"ab")[..6].to_vec(),
        [framed(0, b""), framed(0, b"")].concat(),
    ] {
        let answer = post(&receiver, GRPC, &[GRPC_TYPE], body).await;
        assert_eq!(answer.header("grpc-status"), "3");
    }
    let unsaid = post(&receiver, GRPC, &[GRPC_TYPE], framed(1, b"")).await;
    assert_eq!(unsaid.header("grpc-status"), "3");
}

#[tokio::test]
async fn what_is_too_long_once_it_is_unpacked_is_refused_for_good() {
    let (receiver, mut inbox) = open();
    let long = vec![0_u8; (1 << 20) + 1];
    let packed = gzip(&long);
    let zstd = zstd::encode_all(&long[..], 0).unwrap();
    assert!(packed.len() < 10_000 && zstd.len() < 10_000);
    let gzipped = [PROTOBUF, ("content-encoding", "gzip")];
    let with_zstd = [PROTOBUF, ("content-encoding", "zstd")];
    for (headers, body) in [
        (&[PROTOBUF][..], long.clone()),
        (&gzipped, packed),
        (&with_zstd, zstd),
    ] {
        let answer = post(&receiver, "/v1/traces", headers, body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{headers:?}");
        assert_eq!(status(&answer.body).0, 8);
        assert_eq!(answer.header("retry-after"), "");
    }
    let answer = over_grpc(&receiver, long).await;
    assert_eq!(answer.header("grpc-status"), "8");
    let details = STANDARD_NO_PAD
        .decode(answer.header("grpc-status-details-bin"))
        .unwrap();
    assert_eq!(status(&details).2, 0, "no RetryInfo");
    assert!(inbox.try_recv().is_err());
    // all memory was given back
    let mut share = receiver.bounds().budget.share().unwrap();
    receiver
        .bounds()
        .budget
        .try_grow(&mut share, 4 << 20)
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_requests_hold_all_memory_others_are_told_when_to_come_back() {
    let (receiver, mut inbox) = open();
    let mut share = receiver.bounds().budget.share().unwrap();
    receiver
        .bounds()
        .budget
        .try_grow(&mut share, 4 << 20)
        .unwrap();
    let answer = over_http(&receiver, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
    let answer = over_grpc(&receiver, spans(1, 0)).await;
    assert_eq!(answer.header("grpc-status"), "14");
    let details = STANDARD_NO_PAD
        .decode(answer.header("grpc-status-details-bin"))
        .unwrap();
    assert_eq!(status(&details).2, 1, "RetryInfo");
    drop(share);
    assert_eq!(
        over_http(&receiver, spans(1, 0)).await.status,
        StatusCode::OK
    );
    assert!(inbox.try_recv().is_ok() && inbox.try_recv().is_err());
}

#[tokio::test]
async fn memory_is_held_until_the_spans_are_done_with() {
    let (receiver, mut inbox) = open();
    over_http(&receiver, spans(3, 0)).await;
    let budget = &receiver.bounds().budget;
    let mut share = budget.share().unwrap();
    assert!(budget.try_grow(&mut share, 4 << 20).is_err());
    drop(inbox.try_recv().unwrap());
    budget.try_grow(&mut share, 4 << 20).unwrap();
}

#[tokio::test]
async fn what_is_no_otlp_is_told_what_would_be() {
    let (receiver, _inbox) = open();
    let wrong_path = post(&receiver, "/v1/trace", &[PROTOBUF], Vec::new()).await;
    assert_eq!(wrong_path.status, StatusCode::NOT_FOUND);
    let untyped = post(&receiver, "/v1/traces", &[], Vec::new()).await;
    assert_eq!(untyped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let encoding = [PROTOBUF, ("content-encoding", "br")];
    let encoded = post(&receiver, "/v1/traces", &encoding, Vec::new()).await;
    assert_eq!(encoded.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(encoded.header("accept-encoding").contains("zstd"));
    let encoding = [GRPC_TYPE, ("grpc-encoding", "snappy")];
    let encoded = post(&receiver, GRPC, &encoding, framed(1, b"")).await;
    assert_eq!(encoded.header("grpc-status"), "12");
    assert!(encoded.header("grpc-accept-encoding").contains("gzip"));
    let other = post(
        &receiver,
        "/grpc.health.v1.Health/Check",
        &[GRPC_TYPE],
        framed(0, b""),
    )
    .await;
    assert_eq!(other.header("grpc-status"), "12");
    let get = Request::get("/v1/traces")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let answer = exchange::answer(receiver, get).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
}

#[tokio::test]
async fn only_the_bearer_of_the_token_may_send() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "0123456789abcdef").unwrap();
    let token = Token::read("auth.ingest_token_file", file.path()).unwrap();
    let (receiver, mut inbox) = receiver(settings(), Some(token));
    for wrong in ["Bearer 0123456789abcde", "Basic 0123456789abcdef", ""] {
        let headers = [PROTOBUF, ("authorization", wrong)];
        let answer = post(&receiver, "/v1/traces", &headers, spans(1, 0)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(
        over_grpc(&receiver, spans(1, 0))
            .await
            .header("grpc-status"),
        "16"
    );
    assert!(inbox.try_recv().is_err());
    let headers = [PROTOBUF, ("authorization", "Bearer 0123456789abcdef")];
    let answer = post(&receiver, "/v1/traces", &headers, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_by_its_key() {
    let first = bind("listen.otlp_grpc", "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let second = bind("listen.otlp_grpc", first.local_addr().unwrap()).await;
    let told = second.unwrap_err().to_string();
    assert!(
        told.contains("listen.otlp_grpc") && told.contains("\"off\""),
        "{told}"
    );
    assert!(check_bind("listen.otlp_http", "0.0.0.0:1".parse().unwrap(), false).is_err());
    assert!(check_bind("listen.otlp_http", "0.0.0.0:1".parse().unwrap(), true).is_ok());
}
