//! Reads what servers and programs say of errors.

pub mod class;
