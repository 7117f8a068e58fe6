//! Serves the page, the API, `/metrics` and health.
