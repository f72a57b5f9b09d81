//! Service files made from the tables are read without a mistake of syntax, and formatting them changes
//! nothing of what they mean.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = svc_fuzz::document(bytes);
    svc_fuzz::say(&text);
    assert!(svc_fuzz::formatted(&text).is_some(), "not KDL:\n{text}");
});
