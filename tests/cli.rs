//! The verbs as a person and a script meet them: the real binary, its exit codes and both streams.
#![expect(clippy::disallowed_methods, reason = "tests start the binary as a user does")]

mod config;
mod run;
mod secrets;
mod shell;
mod verbs;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A project in a temporary folder; dropping it stops what it started.
struct Project(tempfile::TempDir);

impl Project {
    fn new(services: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("services.kdl"), services).expect("written");
        Self(folder)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("SVC_RUNTIME_DIR", self.0.path().join(".run"))
            .env("SVC_STATE_DIR", self.0.path().join(".state"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn svc(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_svc"), arguments).output().expect("svc starts")
    }

    /// Starts a foreground `up` and returns once it says that `web` is ready.
    fn up(&self) -> Child {
        let mut child = self.command(env!("CARGO_BIN_EXE_svc"), &["up"]).spawn().expect("svc starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let ready = lines.by_ref().any(|line| line.expect("readable").starts_with("web: ready"));
        assert!(ready, "`up` ended before `web` was ready");
        // Whoever stops reading would let svc's later words fail.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.svc(&["down", "--kill"]);
    }
}

const WEB: &str = "service \"web\" {\n    shell \"echo hello; exec sleep 1000\"\n}\n";

fn code(output: &Output) -> i32 {
    output.status.code().expect("svc is not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_a_supervisor_verbs_name_up_and_down_is_content() {
    let project = Project::new(WEB);
    for verb in [&["ps"][..], &["logs", "-f"], &["why", "web"], &["wait", "web"], &["start", "web"]] {
        let output = project.svc(verb);
        assert_eq!(code(&output), 4, "{verb:?}");
        assert!(text(&output.stderr).contains("svc up"), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    assert_eq!(code(&project.svc(&["down"])), 0);
}

#[test]
fn an_invalid_file_is_78_and_starts_nothing() {
    let project = Project::new("service \"web\" {\n    comand \"true\"\n}\n");
    for verb in [&["check"][..], &["graph"], &["up", "-d"]] {
        let output = project.svc(verb);
        assert_eq!(code(&output), 78, "{verb:?}: {output:?}");
        assert!(text(&output.stderr).contains("command"), "{output:?}");
    }
    assert!(!project.0.path().join(".run").exists());
}

#[test]
fn a_project_is_started_asked_about_and_stopped() {
    let project = Project::new(WEB);
    assert_eq!(code(&project.svc(&["up", "-d"])), 0);
    let ps = project.svc(&["ps", "-o", "json"]);
    assert_eq!(code(&ps), 0);
    let answer: serde_json::Value = serde_json::from_slice(&ps.stdout).expect("one object");
    assert_eq!(answer["schema"], "svc.ps/1");
    assert_eq!(answer["instances"][0]["state"], "ready");
    let unknown = project.svc(&["why", "wbe"]);
    assert_eq!(code(&unknown), 4);
    assert!(text(&unknown.stderr).contains("did you mean `web`?"), "{unknown:?}");
    assert!(text(&project.svc(&["why", "web"]).stdout).contains("declared"));
    assert_eq!(code(&project.svc(&["stop", "web"])), 0);
    assert_eq!(code(&project.svc(&["wait", "web", "--for", "stopped"])), 0);
    assert_eq!(code(&project.svc(&["wait", "web", "--timeout", "50ms"])), 124);
    assert_eq!(code(&project.svc(&["start", "web"])), 0);
    assert_eq!(code(&project.svc(&["down"])), 0);
    assert_eq!(code(&project.svc(&["ps"])), 4);
    let logs = project.svc(&["logs", "web"]);
    assert_eq!(text(&logs.stdout), "hello\nhello\n", "what was written stays readable: {logs:?}");
}

#[test]
fn files_are_laid_over_the_service_file_and_profiles_and_groups_choose_what_runs() {
    let project = Project::new(
        "group \"front\" web api\nservice \"web\" { shell \"exec sleep 1000\" }\n\
         service \"api\" { shell \"exec sleep 1000\" }\nservice \"debug\" { shell \"exec sleep 1000\"; profile dev }\n",
    );
    let file = |name: &str, text: &str| std::fs::write(project.0.path().join(name), text).expect("written");
    file("services.override.kdl", "service \"web\" { replicas 2 }\n");
    file("more.kdl", "service \"api\" { description \"more\" }\n");
    let graph = |arguments: &[&str]| -> serde_json::Value {
        let output = project.svc(&[arguments, &["graph", "-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let usual = graph(&[]);
    assert_eq!(usual["services"][0]["instances"].as_array().expect("a list").len(), 2, "{usual}");
    assert_eq!(usual["services"][2]["disabled"], true);
    let chosen = graph(&["-f", "services.kdl", "-f", "more.kdl", "--profile", "dev"]);
    assert_eq!(chosen["services"][0]["instances"].as_array().expect("a list").len(), 1, "{chosen}");
    assert_eq!(chosen["services"][1]["description"], "more");
    assert_eq!(chosen["services"][2]["disabled"], false);
    let odd = project.svc(&["--profile", "dve", "graph"]);
    assert!(text(&odd.stderr).contains("did you mean `dev`?"), "{odd:?}");

    assert_eq!(code(&project.svc(&["up", "-d"])), 0);
    let states = |names: &[&str]| -> Vec<String> {
        let output = project.svc(&[&["ps", "-a", "-o", "json"], names].concat());
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        let instances = answer["instances"].as_array().expect("a list").iter();
        let word = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        instances.map(|instance| word(&instance["name"]) + " " + &word(&instance["state"])).collect()
    };
    assert_eq!(states(&[]), ["web.0 ready", "web.1 ready", "api ready", "debug disabled"]);
    assert_eq!(states(&["front"]), ["web.0 ready", "web.1 ready", "api ready"]);
    assert_eq!(states(&["web.*", "de*"]), ["web.0 ready", "web.1 ready", "debug disabled"]);
    assert_eq!(code(&project.svc(&["stop", "front"])), 0);
    assert_eq!(code(&project.svc(&["start", "debug", "a*"])), 0);
    assert_eq!(states(&[]), ["web.0 inactive", "web.1 inactive", "api ready", "debug ready"]);
    let unknown = project.svc(&["stop", "frnt"]);
    assert!(code(&unknown) == 4 && text(&unknown.stderr).contains("did you mean `front`?"), "{unknown:?}");
    assert_eq!(code(&project.svc(&["stop", "debug"])), 0);
    assert_eq!(code(&project.svc(&["--profile", "dev", "up", "-d"])), 0);
    assert_eq!(states(&[]), ["web.0 ready", "web.1 ready", "api ready", "debug ready"]);
    file("services.override.kdl", "");
    assert_eq!(code(&project.svc(&["apply"])), 0);
    assert_eq!(states(&[]), ["web ready", "api ready", "debug ready"]);
}

#[test]
fn what_cannot_be_started_makes_up_fail_and_says_where() {
    let project = Project::new("service \"web\" {\n    command \"./missing\"\n    restart never\n}\n");
    let output = project.svc(&["up", "-d"]);
    assert_eq!(code(&output), 1, "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("svc::cannot-start") && said.contains("services.kdl:2"), "{said}");
}

#[test]
fn a_foreground_up_stops_everything_on_a_signal_and_says_which_it_was() {
    for (signal, expected) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 0), (Signal::SIGHUP, 0)] {
        let project = Project::new(WEB);
        let mut child = project.up();
        kill(Pid::from_raw(child.id() as i32), signal).expect("it runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(expected), "{signal}");
        assert_eq!(code(&project.svc(&["ps"])), 4, "nothing is left after {signal}");
    }
}

#[test]
fn ctrl_c_on_a_terminal_stops_in_order_and_a_second_one_skips_the_grace() {
    let deaf = "service \"web\" {\n    shell \"trap '' TERM; echo hello; while :; do sleep 1; done\"\n    \
                readiness log=\"hello\"\n    stop grace=\"1h\"\n}\n";
    let project = Project::new(deaf);
    let call = format!("{} up", env!("CARGO_BIN_EXE_svc"));
    let mut command = project.command("script", &["-qec", &call, "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).env("TERM", "xterm").spawn().expect("script is there");
    let mut keys = child.stdin.take().expect("piped");
    let mut screen = child.stdout.take().expect("piped");
    let mut seen = String::new();
    for wanted in ["hello", "stopping;", "skipping"] {
        let mut buffer = [0; 4096];
        while !seen.contains(wanted) {
            let count = screen.read(&mut buffer).expect("readable");
            assert!(count > 0, "svc ended without `{wanted}`: {seen}");
            seen += &String::from_utf8_lossy(&buffer[..count]);
        }
        if wanted != "skipping" {
            keys.write_all(b"\x03").expect("the terminal takes keys");
        }
    }
    screen.read_to_string(&mut seen).expect("readable");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{seen}");
}
