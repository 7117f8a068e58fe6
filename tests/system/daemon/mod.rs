//! The daemon on logs that the tests write: control, crashes, damage, a full disk, secrets, rotation.

mod control;
mod crash;
mod damage;
mod disk;
mod identity;
mod leaks;
mod log;
mod records;
mod restart;
mod rotation;
