//! Follows real files through whatever may happen to them; time is passed in, nobody sleeps.

mod model;
mod race;
mod rotation;
mod support;
mod trouble;
