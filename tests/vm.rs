//! svc as the first process of a real machine, with a kernel of its own: Debian's 6.1 in an emulator.
//!
//! What a container cannot show: limits that the kernel enforces, whom it kills for want of memory, the machine
//! being switched off, and what svc does on a kernel that can do less than the one it was written on: no exit status
//! behind a handle, no signal to a group by one. The machine's file system is made here: svc, the libraries it needs, a
//! static busybox, and the files in `tests/vm`. `tests/run` gets the emulator and the kernel.
#![expect(clippy::disallowed_methods, reason = "an emulator is started")]
#![expect(clippy::print_stderr, reason = "what is not tested on a machine is said")]

mod archive;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::project::{SVC, finish_within};
use archive::Archive;

/// Where `tests/run` puts the kernel.
const KERNEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/vm/vmlinuz");
const EMULATOR: &str = "qemu-system-x86_64";
const BUSYBOX: [&str; 2] = ["/usr/bin/busybox", "/bin/busybox"];
/// How long the machine may take from its first instruction to its last: some twenty seconds on an idle one.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

/// What a machine needs that is not part of the project.
struct Parts {
    busybox: PathBuf,
}

/// Finds the parts. Where `tests/run` has not got them the test says how to get them, and does nothing.
fn parts() -> Option<Parts> {
    let busybox = BUSYBOX.into_iter().map(PathBuf::from).find(|path| path.exists());
    let emulator = Command::new(EMULATOR).arg("--version").stdout(Stdio::null()).status().is_ok();
    let found = busybox.filter(|_| emulator && Path::new(KERNEL).exists());
    if found.is_none() {
        let missing =
            format!("no machine to boot: {EMULATOR}, a static busybox and {KERNEL} are got by tests/run");
        assert!(std::env::var_os("SVC_TESTS_COMPLETE").is_none(), "{missing}");
        eprintln!("not tested here, {missing}");
    }
    found.map(|busybox| Parts { busybox })
}

/// Puts the machine's file system together.
fn file_system(parts: &Parts, services: &str) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "etc", "proc", "run", "srv", "sys", "tmp", "var", "var/log"] {
        archive.folder(folder);
    }
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    archive.program("bin/busybox", &read(&parts.busybox));
    archive.program("bin/sh", &read(&parts.busybox));
    archive.program("bin/svc", &stripped(Path::new(SVC)));
    for library in libraries(Path::new(SVC)) {
        archive.program(library.to_str().expect("text").trim_start_matches('/'), &read(&library));
    }
    archive.program("init", include_bytes!("vm/init"));
    archive.program("checks", include_bytes!("vm/checks"));
    archive.program("look", include_bytes!("vm/look"));
    archive.program("srv/services.kdl", services.as_bytes());
    archive.finish()
}

/// The libraries of a program, as its loader finds them; the loader is one.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let out = Command::new("ldd").arg(program).output().expect("ldd is there");
    let text = String::from_utf8(out.stdout).expect("text");
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// A program without what only a debugger wants: the emulator has to unpack all of it.
fn stripped(program: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let to = folder.path().join("svc");
    let done = Command::new("strip").arg("-o").arg(&to).arg(program).status();
    let source = if done.is_ok_and(|status| status.success()) { &to } else { program };
    fs::read(source).expect("the program is there")
}

/// Boots a machine that runs these services, started as `tests/vm/init` understands it, and returns what it wrote to its console until it was off.
fn boot(parts: &Parts, services: &str, started: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let initrd = folder.path().join("initrd");
    fs::write(&initrd, file_system(parts, services)).expect("written");
    let mut emulator = Command::new(EMULATOR);
    emulator
        .args(["-accel", "tcg", "-m", "512", "-smp", "2", "-no-reboot"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"])
        // Only what is an emergency: the end of the machine, or its first process's.
        .args([
            "-kernel",
            KERNEL,
            "-append",
            &format!("console=ttyS0 loglevel=1 panic=-1 {started}"),
            "-initrd",
        ])
        .arg(&initrd)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let machine = finish_within(emulator.spawn().expect("the emulator is there"), LIMIT);
    let control = regex::Regex::new("\r|\u{1b}\\[[0-9;]*[A-Za-z]").expect("a pattern");
    let console = control.replace_all(&machine.out, "").into_owned();
    assert_eq!(machine.code, 0, "{console}\n{}", machine.err);
    console
}

/// What `checks` showed, by name.
fn shown(console: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for line in console.lines() {
        if let Some((name, text)) = line.strip_prefix('@').and_then(|line| line.split_once('|')) {
            let section = all.entry(name.to_owned()).or_default();
            section.push_str(text.strip_prefix(' ').unwrap_or(text));
            section.push('\n');
        }
    }
    all
}

#[test]
fn a_machine_boots_into_svc_is_kept_in_its_limits_and_is_switched_off() {
    let Some(parts) = parts() else { return };
    let console = boot(&parts, include_str!("vm/services.kdl"), "");
    let all = shown(&console);
    let of =
        |name: &str| all.get(name).unwrap_or_else(|| panic!("{name} was not shown:\n{console}")).as_str();
    let has = |name: &str, text: &str| assert!(of(name).contains(text), "{name}: {}\n{console}", of(name));
    let json = |name: &str| -> serde_json::Value { serde_json::from_str(of(name)).expect("JSON") };
    assert!(of("kernel").starts_with(|c: char| c.is_ascii_digit()), "{}", of("kernel"));
    has("first", "/bin/svc");
    has("wide", "all processes of a service are found by its control group");
    let groups = &json("groups")["groups"];
    assert_eq!(groups["limits"], serde_json::json!(["memory", "cpu", "pids"]), "{groups}");
    assert_eq!(groups["lacking"], serde_json::Value::Null);
    assert_eq!(of("limits"), format!("{}\n50000 100000\n20\n", 64 << 20));
    let out_of_memory = "killed by the kernel: out of memory (limit 32M)";
    has("hog", out_of_memory);
    has("wrapped", out_of_memory);
    for name in ["hog-json", "wrapped-json"] {
        let instance = &json(name)["instances"][0];
        assert_eq!(instance["exit"], serde_json::json!({ "out-of-memory": 32 << 20 }), "{name}");
        assert_eq!(instance["state"], "failed");
    }
    has("shot", "killed by SIGKILL");
    assert!(!of("shot").contains("memory"), "nobody ran out of it: {}", of("shot"));
    assert!(!of("forker").starts_with("max 0\n"), "a fork was refused: {}", of("forker"));
    assert_eq!(of("busy"), "20000 100000\n");
    assert_eq!(of("daemon").matches("No such file").count(), 2, "gone, and its group: {}", of("daemon"));
    has("probed", "/probed-");
    has("deaf", "killed by SIGKILL");
    has("zombies", "none");
    assert_eq!(of("live"), format!("{}\n21\nsame process\n", 48 << 20));
    has("takeover", "same process");
    has("takeover", out_of_memory);
    has("end", "all was looked at");
    // Stopped in order, then off: with its first process gone the kernel would have panicked.
    assert!(console.contains("last words"), "{console}");
    // Some services have failed, on purpose.
    assert!(console.contains("svc has ended with exit code 1; the machine is switched off"), "{console}");
    assert!(console.contains("reboot: Power down"), "{console}");
    assert!(!console.contains("Kernel panic"), "{console}");
}

#[test]
fn ctrl_alt_del_stops_everything_and_starts_the_machine_anew() {
    let Some(parts) = parts() else { return };
    let services = "service \"web\" { shell \"trap 'echo last words; exit 0' TERM; touch /run/up; while :; do sleep 0.1; done\"; \
                    logs inherit; readiness file=\"/run/up\" }\n\
                    task \"keys\" { command \"kill\" \"-INT\" \"1\"; depends-on web }\n";
    let console = boot(&parts, services, "");
    assert!(console.contains("last words"), "{console}");
    assert!(console.contains("svc has ended with exit code 130; the machine starts anew"), "{console}");
    assert!(console.contains("reboot: Restarting system"), "{console}");
}

#[test]
fn a_machine_whose_service_file_is_wrong_says_so_and_is_switched_off() {
    let Some(parts) = parts() else { return };
    let console = boot(&parts, "service \"web\" { comand \"sleep\" \"1\" }\n", "");
    assert!(console.contains("svc::unknown-node"), "{console}");
    assert!(console.contains("svc has ended with exit code 78; the machine is switched off"), "{console}");
    assert!(!console.contains("Kernel panic"), "{console}");
}

/// Looks at what svc can do where it was started, and has the kernel kill something.
const LOOK: &str = r#"
service "kept" { command "sleep" "1000"; limits memory="64M" }
service "hog" { command "dd" "if=/dev/zero" "of=/dev/null" "bs=96M" "count=1"; limits memory="32M"; restart never; disabled }
service "look" { command "sh" "/look"; logs inherit; restart never; after kept }
"#;

#[test]
fn in_a_group_of_its_own_svc_steps_aside_and_shares_out_what_it_was_given() {
    let Some(parts) = parts() else { return };
    let console = boot(&parts, LOOK, "group=own");
    let all = shown(&console);
    let of =
        |name: &str| all.get(name).unwrap_or_else(|| panic!("{name} was not shown:\n{console}")).as_str();
    assert!(!console.contains("do not hold"), "{console}");
    assert!(of("groups").contains(r#""limits":["memory","cpu","pids"],"lacking":null"#), "{console}");
    assert!(of("inside").lines().eq(["0 in it", "3 in its supervisor"]), "{console}");
    assert_eq!(of("limit"), format!("{}\n", 64 << 20), "{console}");
    assert!(of("hog").contains("killed by the kernel: out of memory (limit 32M)"), "{console}");
    assert!(console.contains("reboot: Power down"), "{console}");
}

#[test]
fn in_a_group_with_others_svc_moves_nobody_and_says_which_limits_do_not_hold() {
    let Some(parts) = parts() else { return };
    let console = boot(&parts, LOOK, "group=shared");
    let all = shown(&console);
    let of =
        |name: &str| all.get(name).unwrap_or_else(|| panic!("{name} was not shown:\n{console}")).as_str();
    let why = "svc shares /sys/fs/cgroup/inside with other processes, such as";
    assert!(
        console.contains("warning: limits that do not hold here: `memory` of kept, hog\n  svc shares"),
        "{console}"
    );
    assert!(of("groups").contains(why) && of("groups").contains(r#""leaves":true,"limits":[]"#), "{console}");
    assert!(!of("inside").starts_with("0 in it") && of("inside").contains("no supervisor"), "{console}");
    // Without a limit it gets what it asks for, and ends.
    assert!(of("hog").contains("exited with code 0"), "{console}");
}
