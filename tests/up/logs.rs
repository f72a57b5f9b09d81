//! Every form of `logs`, with real services.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{TempProject, eventually};

/// Kills the engine and waits for the next one.
fn next_engine(project: &TempProject) {
    let engine = project.engine().expect("an engine runs");
    kill(Pid::from_raw(engine), Signal::SIGKILL).expect("killed");
    eventually("a new engine", || {
        project.engine().is_some_and(|new| new != engine) && project.svc(&["ps"]).code == 0
    });
}

#[test]
fn stderr_has_a_log_of_its_own_where_the_file_says_so() {
    let project = TempProject::new(
        r#"
        task "talk" {
            shell "echo first; sleep 0.1; echo second >&2; sleep 0.1; echo third; echo fourth >&2"
            logs "out.log" stderr="err.log"
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    let seen = |project: &TempProject| {
        let of = |stream: &[&str]| project.ok(&[&["logs", "talk"], stream].concat());
        [of(&["--stream", "stdout"]), of(&["--stream", "stderr"]), of(&["--since", "1h", "-n", "1"])]
    };
    let expected = ["first\nthird\n", "second\nfourth\n", "third\nfourth\n"].map(str::to_owned);
    assert_eq!(seen(&project), expected, "told by the supervisor");
    let why = project.ok(&["why", "talk"]);
    assert!(why.contains("out.log") && why.contains("err.log"), "{why}");
    project.ok(&["down"]);
    assert_eq!(seen(&project), expected, "found by the file alone");
    assert_eq!(project.ok(&["logs"]).lines().take(2).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!([project.read("out.log"), project.read("err.log")], expected[..2]);
    project.assert_nothing_is_left();
}

#[test]
fn both_streams_are_watched_for_the_line_of_a_readiness_and_go_on_after_the_engine() {
    let project = TempProject::new(
        r#"
        service "count" {
            shell "echo ready >&2; i=0; while :; do echo $i; echo $i >&2; i=$((i+1)); sleep 0.005; done"
            readiness log="^ready$"
            logs "out.log" stderr="err.log"
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    (0..3).for_each(|_| next_engine(&project));
    project.ok(&["down"]);
    for (log, before) in [("out.log", 0), ("err.log", 1)] {
        let text = project.read(log);
        let numbers: Vec<&str> = text.lines().skip(before).collect();
        let expected: Vec<String> = (0..numbers.len()).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected, "{log}: no line is lost, doubled or torn");
    }
    project.assert_nothing_is_left();
}

#[test]
fn a_stderr_that_gets_a_log_of_its_own_restarts_the_service_and_a_size_does_not() {
    let project = TempProject::new(r#"service "web" { shell "echo hello >&2; exec sleep 1000" }"#);
    project.ok(&["up", "-d"]);
    let first = project.pid("web");
    project.write(
        "services.kdl",
        r#"service "web" { shell "echo hello >&2; exec sleep 1000"; logs max-size="1M" }"#,
    );
    project.ok(&["apply"]);
    assert_eq!(project.pid("web"), first);
    project.write(
        "services.kdl",
        r#"service "web" { shell "echo hello >&2; exec sleep 1000"; logs stderr="web.err" }"#,
    );
    project.ok(&["apply"]);
    assert_ne!(project.pid("web"), first);
    eventually("the line of the new process", || project.ok(&["logs", "--stream", "stderr"]) == "hello\n");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn lines_become_json_objects_that_tell_their_stream_and_go_on_after_the_engine() {
    let project = TempProject::new(
        r#"
        service "count" {
            shell "echo ready >&2; i=0; while :; do echo $i; echo $i >&2; i=$((i+1)); sleep 0.005; done"
            readiness log="^ready$"
            logs "all.log" format=json
        }
        task "last" { shell "echo whole; printf unfinished"; logs "last.log" format=json }
        "#,
    );
    project.ok(&["up", "-d"]);
    (0..3).for_each(|_| next_engine(&project));
    project.ok(&["down"]);
    let objects = |log: &str| -> Vec<serde_json::Value> {
        project.read(log).lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
    };
    let all = objects("all.log");
    for (stream, before) in [("stdout", 0), ("stderr", 1)] {
        let of = all.iter().filter(|object| object["stream"] == stream).skip(before);
        let numbers: Vec<_> = of.map(|object| object["message"].as_str().expect("text")).collect();
        let expected: Vec<String> = (0..numbers.len()).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected, "{stream}: no line is lost, doubled or torn");
    }
    let last = objects("last.log");
    let messages: Vec<_> = last.iter().map(|object| (&object["message"], object.get("partial"))).collect();
    assert_eq!(messages, [(&"whole".into(), None), (&"unfinished".into(), Some(&true.into()))]);
    project.assert_nothing_is_left();
}

#[test]
fn lines_begin_with_their_time_where_the_file_says_so_from_the_next_line_on() {
    let loud = |logs: &str| {
        format!(
            r#"service "web" {{ shell "while :; do echo line; sleep 0.01; done"; logs "web.log" {logs} }}"#
        )
    };
    let project = TempProject::new(&loud(""));
    project.ok(&["up", "-d"]);
    let pid = project.pid("web");
    project.write("services.kdl", &loud("timestamps=#true"));
    project.ok(&["apply"]);
    let timed = |line: &str| {
        line.split_once(' ')
            .is_some_and(|(time, text)| time.parse::<jiff::Timestamp>().is_ok() && text == "line")
    };
    eventually("a line with its time", || project.read("web.log").lines().any(timed));
    project.write("services.kdl", &loud(""));
    project.ok(&["apply"]);
    eventually("a bare line again", || project.read("web.log").ends_with("\nline\n"));
    assert_eq!(project.pid("web"), pid, "it was not restarted");
    project.ok(&["down"]);
    let text = project.read("web.log");
    assert!(text.lines().all(|line| line == "line" || timed(line)), "{text}");
    project.assert_nothing_is_left();
}

#[test]
fn lines_are_forwarded_and_a_receiver_that_is_away_holds_up_nobody() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "echo first; until [ -e go ]; do sleep 0.01; done; echo second; exec sleep 1000"
            logs "web.log" { forward unix="here" format=raw; forward unix="away" format=json }
        }
        "#,
    );
    let here = std::os::unix::net::UnixDatagram::bind(project.path("here")).expect("can be bound");
    project.ok(&["up", "-d"]);
    let next = || {
        let mut buffer = [0; 1000];
        let length = here.recv(&mut buffer).expect("a line comes");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(next(), "first");
    next_engine(&project);
    project.write("go", "");
    assert_eq!(next(), "second");
    let away = std::os::unix::net::UnixDatagram::bind(project.path("away")).expect("can be bound");
    let mut buffer = [0; 1000];
    let length = away.recv(&mut buffer).expect("what waited comes");
    let object: serde_json::Value = serde_json::from_slice(&buffer[..length]).expect("an object");
    assert_eq!((&object["instance"], &object["message"]), (&"web".into(), &"second".into()));
    project.ok(&["down"]);
    assert_eq!(project.read("web.log"), "first\nsecond\n");
    project.assert_nothing_is_left();
}
