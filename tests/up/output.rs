//! The output of services in a foreground `up`: while they start, while they run, while they stop.

use std::io::{BufRead, BufReader, Write};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{TempProject, finish};
use crate::support::terminal::Terminal;

/// Says `first`, and after `go` was made `second`; ready after `ready` was made.
const SLOW: &str = r#"
    service "web" {
        shell "trap 'echo bye; exit 0' TERM; echo first; while [ ! -e go ]; do sleep 0.01; done; echo second; while :; do sleep 0.01; done"
        readiness file="ready"
    }
    service "api" { shell "echo hello; exec sleep 1000"; depends-on web }
"#;

#[test]
fn what_a_service_writes_is_shown_while_others_wait_for_it() {
    let project = TempProject::new(SLOW);
    let mut child = project.command(&["up"]).spawn().expect("svc starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).expect("readable");
        line
    };
    assert_eq!(next(), "web | first\n");
    assert_eq!(project.instance("web")["state"], "starting", "its line did not wait for it");
    project.write("go", "");
    assert_eq!(next(), "web | second\n");
    assert_eq!(project.instance("api")["state"], "waiting");
    project.write("ready", "");
    assert_eq!(next(), "api | hello\n");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("sent");
    // A shell may tell of its child that it was terminated.
    while ![String::new(), "web | bye\n".to_owned()].contains(&next()) {}
    child.stdout = Some(out.into_inner());
    let finished = finish(child).code(130);
    assert!(finished.err.contains("web: ready after"), "{finished:?}");
    project.assert_nothing_is_left();
}

#[test]
fn on_a_terminal_output_goes_above_the_progress_and_leaves_no_trace_of_it() {
    let project = TempProject::new(SLOW);
    let mut terminal = Terminal::start(&project, "svc up");
    let words = |line: &String| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let shows = |lines: &'static [&'static str]| {
        move |screen: &[String]| {
            let screen: Vec<String> = screen.iter().map(words).filter(|line| !line.is_empty()).collect();
            screen == lines
        }
    };
    let starting: &[&str] = &["web | first", "▸ web starting", "· api waiting", "0 of 2"];
    terminal.until_screen("the first line above the progress", shows(starting));
    project.write("go", "");
    let second: &[&str] = &["web | first", "web | second", "▸ web starting", "· api waiting", "0 of 2"];
    terminal.until_screen("the second line above the progress", shows(second));
    project.write("ready", "");
    let up: &[&str] = &["web | first", "web | second", "api | hello", "✓ web ready", "✓ api ready", "2 of 2"];
    terminal.until_screen("the end of the start", shows(up));
    terminal.keys.write_all(b"\x03").expect("the terminal takes keys");
    let (code, screen) = terminal.finish();
    assert_eq!(code, 130, "{screen:#?}");
    // A shell may tell of its child that it was terminated.
    let counts = |line: &String| !line.is_empty() && line != "web | Terminated";
    let rest: Vec<String> = screen[6..].iter().map(words).filter(counts).collect();
    let down = ["^C", "stopping; once more", "web | bye", "✓ web stopped", "✓ api stopped", "2 of 2"];
    assert_eq!(rest, down, "{screen:#?}");
    project.assert_nothing_is_left();
}

#[test]
fn a_service_that_writes_without_end_holds_up_neither_ctrl_c_nor_the_others() {
    let project = TempProject::new(
        r#"
        service "flood" { shell "exec yes"; logs "flood.log" max-size="4M" keep=1 }
        service "web" { shell "echo hello; exec sleep 1000"; depends-on flood }
        "#,
    );
    let mut terminal = Terminal::start(&project, "svc up 2>&1 | grep --line-buffered -v 'flood | y'; true");
    terminal.until("web: ready");
    terminal.until("hello");
    kill(Pid::from_raw(up_of(&project)), Signal::SIGINT).expect("sent");
    let (_, screen) = terminal.finish();
    assert!(screen.iter().any(|line| line.starts_with("flood: stopped")), "{screen:#?}");
    project.assert_nothing_is_left();
}

/// Finds the process of `svc up`.
fn up_of(project: &TempProject) -> i32 {
    let is_up = |pid: &i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|l| l == b"svc\0up\0");
    project.processes().into_iter().find(is_up).expect("svc up runs")
}

#[test]
fn who_closes_the_output_of_up_ends_it_and_leaves_nothing_running() {
    let project = TempProject::new(
        r#"service "talk" { shell "while echo line; do sleep 0.01; done"; readiness log="line" }"#,
    );
    let terminal = Terminal::start(&project, "svc up 2>&1 | grep --line-buffered line | head -n 2");
    let (code, screen) = terminal.finish();
    assert_eq!((code, screen.iter().filter(|line| *line == "talk | line").count()), (0, 2), "{screen:#?}");
    project.assert_nothing_is_left();
}

#[test]
fn the_unfinished_last_line_of_a_task_is_shown_at_the_end() {
    let project = TempProject::new(r#"task "talk" { shell "echo whole; printf unfinished" }"#);
    let finished = project.svc(&["up"]).code(0);
    assert_eq!(finished.out, "talk | whole\ntalk | unfinished\n");
}
