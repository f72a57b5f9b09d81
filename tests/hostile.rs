//! Files that mean harm, given to the real binary: it ends, says what is wrong, and takes no more memory
//! than the file's size allows. Memory is measured, time is not: a machine may be busy.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;

use crate::support::project::{Finished, SVC, TempProject, finish};

/// Runs svc and returns what it said, and its peak memory in MiB by getrusage(2).
fn measured(project: &TempProject, args: &[&str]) -> (Finished, u64) {
    let script = "import os, resource, subprocess, sys\n\
                  code = subprocess.call(sys.argv[1:])\n\
                  peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n\
                  open('peak', 'w').write(str(peak))\n\
                  sys.exit(code)";
    let mut command = project.program("python3");
    command.args(["-c", script, SVC]).args(args);
    let finished = finish(command.spawn().expect("python3 starts"));
    let peak = project.read("peak").parse::<u64>().expect("kibibytes") / 1024;
    (finished, peak)
}

/// Checks a service file that has to be refused with these words, within some memory.
fn refused(text: &[u8], words: &[&str], mebibytes: u64) -> String {
    let project = TempProject::new("");
    fs::write(project.path("services.kdl"), text).expect("written");
    let (finished, peak) = measured(&project, &["check"]);
    let finished = finished.code(78);
    let said = finished.err.replace("\n  │ ", " ");
    for word in words {
        assert!(said.contains(word), "`{word}` is not said: {said:.2000}");
    }
    assert!(finished.err.len() < 200_000, "{} bytes are said", finished.err.len());
    assert!(peak <= mebibytes, "{peak} MiB for {} bytes", text.len());
    finished.err
}

#[test]
fn ten_thousand_blocks_deep_is_an_error_of_depth() {
    let text = format!("{}{}", "a {".repeat(10_000), "}".repeat(10_000));
    refused(text.as_bytes(), &["nested more than 128 deep"], 32);
}

#[test]
fn a_line_of_a_hundred_megabytes_is_refused_and_one_below_the_limit_is_read() {
    let line = |length: usize| format!("servce \"{}\"\n", "x".repeat(length));
    refused(line(100_000_000).as_bytes(), &["it is larger than 64 MiB"], 32);
    refused(line(60_000_000).as_bytes(), &["there is no node `servce`"], 60 * 6);
}

#[test]
fn a_word_of_megabytes_is_not_said_back() {
    let text = format!("service \"a\" {{ command \"./a\"; restart {} }}\n", "x".repeat(5_000_000));
    let said = refused(text.as_bytes(), &["is none of", "…"], 5 * 16);
    assert!(said.len() < 50_000, "{} bytes", said.len());
}

#[test]
fn a_million_nodes_on_one_line_are_read() {
    let text = format!("{} servce", "/-a;".repeat(1_000_000));
    refused(text.as_bytes(), &["there is no node `servce`"], 64);
}

#[test]
fn a_hundred_thousand_findings_are_all_said() {
    let lines = "command 1\n".repeat(50_000);
    let project = TempProject::new(&format!("service \"a\" {{\n{lines}}}\n"));
    let (finished, peak) = measured(&project, &["check", "-o", "json"]);
    // Each line has a wrong type, and each but the first is one too many.
    assert_eq!(finished.code(78).out.lines().count(), 99_999);
    assert!(peak <= 256, "{peak} MiB");
}

#[test]
fn characters_that_are_no_text_are_said_once_a_run() {
    let said = refused(&[0; 100_000], &["the character U+0000 may not stand in a KDL document"], 48);
    assert!(said.ends_with("1 error\n"), "{said}");
    refused(
        b"service \"a\" { command \"./\xc3\xa9\xff\" }\n",
        &["byte 0xFF at offset 27, line 1, column 27"],
        32,
    );
    refused(b"\xff\xfes\0e\0r\0v\0", &["byte 0xFF at offset 0, line 1, column 1"], 32);
    refused(b"service \"a\" { command \"./\xe2\x82", &["byte 0xE2 at offset 25"], 32);
}

#[test]
fn a_byte_order_mark_and_windows_newlines_are_read() {
    let project = TempProject::new("\u{feff}service \"a\" {\r\n    command \"true\"\r\n}\r\n");
    let finished = project.svc(&["check"]).code(0);
    assert_eq!(finished.err, "");
}

/// Makes one of everything that is no file.
fn odd_things(folder: &Path) -> [(&'static str, &'static str); 5] {
    nix::unistd::mkfifo(&folder.join("fifo.kdl"), Mode::S_IRWXU).expect("made");
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.kdl")).expect("linked");
    fs::create_dir(folder.join("folder.kdl")).expect("made");
    // The path of the socket stays when its listener goes.
    drop(UnixListener::bind(folder.join("socket.kdl")).expect("bound"));
    let holes = fs::File::create(folder.join("holes.kdl")).expect("made");
    holes.set_len(1 << 40).expect("a file of holes");
    [
        ("fifo.kdl", "it is a FIFO, not a file"),
        ("zero.kdl", "it is a device, not a file"),
        ("folder.kdl", "it is a folder"),
        ("socket.kdl", "it is a socket, not a file"),
        ("holes.kdl", "it is larger than 64 MiB"),
    ]
}

#[test]
fn what_is_no_file_is_refused_wherever_a_file_is_named() {
    let project = TempProject::new("");
    for (name, why) in odd_things(&project.path("")) {
        let uses = [
            format!("include \"{name}\"\nservice \"a\" {{ command \"true\" }}\n"),
            format!("service \"a\" {{ command \"true\"; env-file \"{name}\" }}\n"),
        ];
        for text in uses {
            project.write("services.kdl", &text);
            let (finished, peak) = measured(&project, &["check"]);
            let said = finished.code(78).err;
            assert!(said.contains(why) && said.contains("services.kdl:1"), "{name}: {said}");
            assert!(peak <= 32, "{name}: {peak} MiB");
        }
        for args in [&["check", name][..], &["fmt", name], &["-f", name, "graph"], &["-f", name, "up", "-d"]]
        {
            let finished = project.svc(args).code(78);
            assert!(finished.err.contains(why), "{args:?}: {}", finished.err);
        }
    }
}

#[test]
fn a_pattern_that_matches_what_is_no_file_says_so_for_each() {
    let project = TempProject::new("include \"*.kdl\"\n");
    let odd = odd_things(&project.path(""));
    let finished = project.svc(&["check"]).code(78);
    for (name, why) in odd {
        assert!(finished.err.contains(why), "{name}: {}", finished.err);
    }
}

#[test]
fn files_that_include_each_other_twice_are_read_once() {
    let project = TempProject::new("include \"1.kdl\" \"1.kdl\"\n");
    for level in 1..30 {
        let next = level + 1;
        project.write(&format!("{level}.kdl"), &format!("include \"{next}.kdl\" \"{next}.kdl\"\n"));
    }
    project.write("30.kdl", "service \"a\" { command \"true\" }\n");
    let (finished, peak) = measured(&project, &["check"]);
    assert!(finished.code(78).err.contains("is included twice"));
    assert!(peak <= 32, "{peak} MiB");
}

#[test]
fn files_that_all_include_each_other_cost_what_they_say() {
    let project = TempProject::new("include \"all/*.kdl\"\n");
    for number in 0..200 {
        project.write(&format!("all/{number}.kdl"), "include \"*.kdl\"\n");
    }
    let (finished, peak) = measured(&project, &["check"]);
    assert!(finished.code(78).err.contains("include"));
    assert!(peak <= 128, "{peak} MiB");
}
