//! Any bytes are compiled, and what is wrong with them is said in every form.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // What is no text never gets further than its first wrong byte.
    if let Ok(text) = svc::syntax::readable::text(bytes.to_vec()) {
        svc_fuzz::say(&text);
    }
});
