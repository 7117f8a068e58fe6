#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sqleuth_fuzz::otlp(data));
