//! The daemon on logs that the tests write: crashes, rotation, damage, secrets.

mod crash;
mod damage;
mod leaks;
mod log;
mod rotation;
