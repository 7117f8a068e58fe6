#![no_main]

use sqleuth::ingest::server_log::Kind;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sqleuth_fuzz::errors(Kind::Application, data));
