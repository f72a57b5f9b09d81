//! Service files made from the tables are read without a mistake of syntax; formatting them changes nothing of what
//! they mean, and what holds in them, written down, has the same plan.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = svc_fuzz::document(bytes);
    svc_fuzz::say(&text);
    svc_fuzz::written(&text);
    assert!(svc_fuzz::formatted(&text).is_some(), "not KDL:\n{text}");
});
