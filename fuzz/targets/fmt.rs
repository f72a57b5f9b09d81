//! Any text that is KDL has a form, which is stable and means the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    svc_fuzz::formatted(text);
});
