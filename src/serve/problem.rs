//! Errors as callers see them: `application/problem+json` (RFC 9457).

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::archive::ArchiveError;

/// What went wrong with one request, and what would be right.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Kind of problem; `about:blank` means that the status says it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What is wrong, and what would be right.
    detail: String,
    #[serde(skip)]
    hint: Option<Hint>,
}

/// A header that tells programs what to do.
#[derive(Debug, Clone, Copy)]
enum Hint {
    Authenticate,
    RetrySoon,
}

impl Hint {
    fn header(self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Authenticate => (
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"sqleuth\""),
            ),
            Self::RetrySoon => (header::RETRY_AFTER, HeaderValue::from_static("2")),
        }
    }
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: Hint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// 400: the request does not make sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: nobody said who asks.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).with_hint(Hint::Authenticate)
    }

    /// 403: whoever asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: not with this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path does not take this method; see /api/v1/openapi.json",
        )
    }

    /// 408 towards the caller: the answer took too long.
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the answer took too long; ask for a shorter interval",
        )
    }

    /// 421: the `Host` header names another machine.
    pub fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, detail)
    }

    /// 503: try again soon.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_hint(Hint::RetrySoon)
    }

    /// 500, for what is logged and not told.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer could not be made; the log says why",
        )
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status in words.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What is wrong, and what would be right.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let hint = self.hint;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.extend(hint.map(Hint::header));
        response
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(format!("query string: {}", rejection.body_text()))
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        // JSON that is no such thing as was asked for is as wrong as text that is no JSON.
        let status = match rejection {
            JsonRejection::JsonDataError(_) => StatusCode::BAD_REQUEST,
            ref other => other.status(),
        };
        Self::new(status, format!("body: {}", rejection.body_text()))
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::BadCursor => Self::bad_request(
                "cursor: not one that this list has given; leave it out to begin at the start",
            ),
            ArchiveError::Failed(source) => {
                tracing::error!(
                    error = &*source as &dyn std::error::Error,
                    "store cannot be read"
                );
                Self::internal()
            }
        }
    }
}
