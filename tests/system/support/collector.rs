//! An OTLP/gRPC collector on loopback that remembers what it is sent.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Request, Response};
use h2::RecvStream;
use h2::server::SendResponse;

/// The server; it ends with the test process.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    /// Starts to listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let received = Arc::default();
        let sink = Arc::clone(&received);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(listen(listener, sink));
        });
        Self { address, received }
    }

    /// For `telemetry.otlp`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether a span of this name has arrived: field 5 of a `Span`, a string.
    pub fn has_span(&self, name: &str) -> bool {
        let mut field = vec![5 << 3 | 2, u8::try_from(name.len()).expect("a short name")];
        field.extend(name.as_bytes());
        let received = self.received.lock().expect("no test panics inside");
        received.windows(field.len()).any(|bytes| bytes == field)
    }

    /// Whether this text has arrived, for example of the resource.
    pub fn has_text(&self, text: &str) -> bool {
        let received = self.received.lock().expect("no test panics inside");
        received
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    }
}

async fn listen(listener: TcpListener, received: Arc<Mutex<Vec<u8>>>) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
    while let Ok((stream, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((request, respond))) = connection.accept().await {
                let received = Arc::clone(&received);
                tokio::spawn(answer(request, respond, received));
            }
        });
    }
}

/// Takes a unary call and answers it with an empty message.
async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<axum::body::Bytes>,
    received: Arc<Mutex<Vec<u8>>>,
) {
    let mut body = request.into_body();
    while let Some(Ok(chunk)) = body.data().await {
        drop(body.flow_control().release_capacity(chunk.len()));
        received
            .lock()
            .expect("no test panics inside")
            .extend_from_slice(&chunk);
    }
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .body(())
        .expect("a response");
    let Ok(mut stream) = respond.send_response(head, false) else {
        return;
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a header"));
    drop(stream.send_data((&[0_u8; 5][..]).into(), false));
    drop(stream.send_trailers(trailers));
}
