//! `svc run` as a person meets it: any command, supervised, without a service file.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{Finished, TempProject, eventually, finish};
use crate::support::terminal::Terminal;

/// A folder without a service file, and directories for sockets and logs.
fn folder() -> TempProject {
    let project = TempProject::new("");
    std::fs::remove_file(project.path("services.kdl")).expect("was there");
    project
}

/// Calls svc in another folder, above which there is no service file.
fn elsewhere(project: &TempProject, args: &[&str]) -> Finished {
    finish(project.command(args).current_dir("/").spawn().expect("svc starts"))
}

fn states(project: &TempProject) -> Vec<(String, String)> {
    let listed = elsewhere(project, &["ps", "--run", "-o", "json"]);
    let all: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let all = all["instances"].as_array().expect("a list").clone();
    all.iter().map(|one| (text(&one["name"]), text(&one["state"]))).collect()
}

#[test]
fn a_command_in_the_foreground_has_our_input_and_output_and_its_code_is_ours() {
    let project = folder();
    let mut child = project.command(&["run", "--", "sh", "-c", "cat; echo sorry >&2; exit 7"]);
    let mut child = child.stdin(Stdio::piped()).spawn().expect("svc starts");
    child.stdin.take().expect("piped").write_all(b"what is typed\n").expect("it reads");
    let finished = finish(child).code(7);
    assert_eq!((finished.out.as_str(), finished.err.as_str()), ("what is typed\n", "sorry\n"));
    // 128 + the number of a signal; and what cannot be started, as env(1) and nohup(1) say it.
    assert_eq!(project.svc(&["run", "sh", "-c", "kill -9 $$"]).code, 137);
    let missing = project.svc(&["run", "./not there"]).code(127);
    assert!(missing.err.contains("cannot run `./not there`: No such file"), "{missing:?}");
    assert!(missing.err.contains("svc run -- sh -c"), "{missing:?}");
    project.write("plain", "no program");
    assert_eq!(project.svc(&["run", "./plain"]).code, 126);
    assert!(states(&project).is_empty(), "nothing of them is left");
    project.assert_nothing_is_left();
}

#[test]
fn a_detached_command_is_found_from_any_folder_by_its_name() {
    let project = folder();
    let started =
        project.svc(&["run", "-d", "--name", "web", "--", "sh", "-c", "echo hello; pwd; exec sleep 1000"]);
    assert_eq!((started.code, started.out.as_str()), (0, "web\n"), "{started:?}");
    assert!(started.err.contains("svc logs web -f") && started.err.contains("process"), "{started:?}");
    let shown = elsewhere(&project, &["ps"]).code(0);
    assert!(shown.out.contains("sh -c") && shown.out.contains("web"), "{shown:?}");
    eventually("its output", || elsewhere(&project, &["logs", "web"]).out.lines().count() == 2);
    let said = elsewhere(&project, &["logs", "web"]).out;
    let here = project.path("").canonicalize().expect("there");
    assert_eq!(said.lines().collect::<Vec<_>>(), ["hello", here.to_str().expect("UTF-8")]);
    let _ = elsewhere(&project, &["why", "web"]).code(0);
    let _ = elsewhere(&project, &["wait", "web", "--timeout", "10s"]).code(0);
    let _ = elsewhere(&project, &["stop", "web"]).code(0);
    assert_eq!(states(&project), [("web".to_owned(), "inactive".to_owned())]);
    let _ = elsewhere(&project, &["start", "web"]).code(0);
    assert_eq!(states(&project), [("web".to_owned(), "ready".to_owned())]);
    let _ = elsewhere(&project, &["down", "web"]).code(0);
    assert!(states(&project).is_empty());
    assert_eq!(elsewhere(&project, &["logs", "web"]).out.lines().count(), 4, "its output can still be read");
    project.assert_nothing_is_left();
}

#[test]
fn a_name_means_the_service_of_the_folder_before_a_run() {
    let project = TempProject::new("service \"web\" { command \"sleep\" \"1000\" }\n");
    project.ok(&["up", "-d"]);
    project.ok(&["run", "-d", "--name", "web", "sleep", "1000"]);
    project.ok(&["run", "-d", "--name", "worker", "sleep", "1000"]);
    assert!(project.svc(&["ps"]).code(0).err.contains("`svc run` started web, worker"));
    project.ok(&["stop", "web", "worker"]);
    let stopped = |name: &str| (name.to_owned(), "inactive".to_owned());
    assert_eq!(project.instance("web")["state"], "inactive", "the service is stopped");
    assert_eq!(states(&project), [("web".to_owned(), "ready".to_owned()), stopped("worker")]);
    let file = project.path("services.kdl");
    let _ = elsewhere(&project, &["-f", file.to_str().expect("UTF-8"), "start", "web"]).code(0);
    assert_eq!(project.instance("web")["state"], "ready");
    project.ok(&["down"]);
    let _ = elsewhere(&project, &["down", "web", "worker"]).code(0);
}

#[test]
fn names_are_given_and_a_name_in_use_is_refused_until_its_command_has_ended() {
    let project = folder();
    for expected in ["sleep\n", "sleep-2\n"] {
        assert_eq!(project.ok(&["run", "-d", "sleep", "1000"]), expected);
    }
    let taken = project.svc(&["run", "-d", "--name", "sleep", "true"]).code(1);
    assert!(taken.err.contains("`sleep` runs already") && taken.err.contains("svc down sleep"), "{taken:?}");
    let _ = project.svc(&["stop", "sleep"]).code(0);
    assert_eq!(project.ok(&["run", "-d", "--name", "sleep", "sh", "-c", "exit 3"]), "sleep\n");
    eventually("its end", || states(&project)[0].1 == "failed");
    assert_eq!(project.svc(&["ps"]).code(3).code, 3);
    assert!(project.ok(&["why", "sleep"]).contains("exited with code 3"));
    for bad in [&["--name", "../up"][..], &["--name", "0"], &["-e", "x"], &["--env-file", "missing"]] {
        let _ = project.svc(&[&["run", "-d"], bad, &["true"]].concat()).code(2);
    }
    let _ = project.svc(&["down", "sleep", "sleep-2"]).code(0);
    project.assert_nothing_is_left();
}

#[test]
fn a_run_gets_variables_and_is_started_again_if_asked() {
    let project = folder();
    project.write("more.env", "FROM_FILE=f\nA=file\n");
    let script =
        "echo \"$FROM_FILE $A $CALLER\" >> lives; [ $(wc -l < lives) -lt 3 ] || exec sleep 1000; exit 1";
    let mut command = project.command(&["run", "-d", "--restart", "on-failure", "--env-file", "more.env"]);
    command.args(["-e", "A=${x} $1", "--name", "web", "--", "sh", "-c", script]).env("CALLER", "c");
    let _ = finish(command.spawn().expect("svc starts")).code(0);
    eventually("the third life", || project.read("lives").lines().count() == 3);
    assert_eq!(project.read("lives").lines().next(), Some("f ${x} $1 c"));
    project.ok(&["down", "web"]);
}

#[test]
fn a_detached_command_outlives_its_terminal() {
    let project = folder();
    let mut terminal = Terminal::start(&project, "svc run -d --name web -- sleep 1000; exec cat");
    terminal.until("web runs");
    // The keyboard is gone: script(1) closes the terminal, and the kernel hangs up on its session.
    let (_, screen) = terminal.hang_up();
    assert_eq!(states(&project), [("web".to_owned(), "ready".to_owned())], "{screen:?}");
    let _ = project.svc(&["down", "web"]).code(0);
    project.assert_nothing_is_left();
}

#[test]
fn a_signal_stops_the_command_in_order_and_its_code_is_passed_on() {
    // It exits by itself; it dies of the stop; it does not listen and a second signal kills it.
    let own = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done";
    let dies = "echo up; exec sleep 1000";
    let deaf = "trap '' TERM; echo up; while :; do sleep 0.01; done";
    for (script, signal, again, code) in [
        (own, Signal::SIGINT, false, 5),
        (dies, Signal::SIGINT, false, 130),
        (dies, Signal::SIGTERM, false, 143),
        (deaf, Signal::SIGINT, true, 130),
    ] {
        let project = folder();
        let mut command: Command = project.command(&["run", "--grace", "1h", "--", "sh", "-c", script]);
        let mut child = command.process_group(0).spawn().expect("svc starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("readable");
        assert_eq!(line, "up\n");
        let svc = Pid::from_raw(child.id().cast_signed());
        kill(svc, signal).expect("it runs");
        if again {
            eventually("the order to stop", || {
                states(&project).first().is_some_and(|run| run.1 == "stopping")
            });
            kill(svc, signal).expect("it runs");
        }
        assert_eq!(child.wait().expect("waited").code(), Some(code), "{script}");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("readable");
        assert_eq!(rest, if script == own { "bye\n" } else { "" });
        project.assert_nothing_is_left();
    }
}

#[test]
fn a_command_on_a_terminal_has_that_terminal() {
    let project = folder();
    let mut terminal =
        Terminal::start(&project, "svc run -- sh -c 'tty >/dev/null && read line && echo \"got $line\"'");
    terminal.keys.write_all(b"a line\n").expect("the terminal takes keys");
    let (code, screen) = terminal.finish();
    assert_eq!((code, screen.last().map(String::as_str)), (0, Some("got a line")), "{screen:?}");
}

#[test]
fn a_run_whose_engine_is_killed_goes_on() {
    let project = folder();
    project.ok(&["run", "-d", "--name", "web", "sleep", "1000"]);
    let pid = |project: &TempProject| {
        let listed = elsewhere(project, &["ps", "--run", "-o", "json"]).out;
        let all: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        all["instances"][0]["pid"].as_i64().expect("it runs")
    };
    let before = pid(&project);
    let engine = project.engine().expect("it runs");
    kill(Pid::from_raw(engine), Signal::SIGKILL).expect("it runs");
    let _ = project.svc(&["wait", "web", "--timeout", "30s"]).code(0);
    assert_eq!(pid(&project), before);
    let _ = project.svc(&["down", "web"]).code(0);
    project.assert_nothing_is_left();
}
