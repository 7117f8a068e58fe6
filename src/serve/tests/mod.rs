//! The server over real sockets, with a canned archive behind it.

mod api;
mod canned;
mod documented;
mod jaeger;
mod pages;
mod quiet;
mod security;
mod site;
