//! Its body and its laws are in `switchyard_testkit::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| switchyard_testkit::fuzz::moving(data));
