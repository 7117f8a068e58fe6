#![no_main]

use sqleuth::ingest::slow_log::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sqleuth_fuzz::parser(Format::PostgresStderr, data));
