//! The verbs about one service that runs: signals, probes, events and commands in its place.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{TempProject, eventually, finish};
use crate::support::terminal::Terminal;

/// Writes down the signals it gets, as does a child in its group.
const TELLS: &str = r##"
service "web" {
    shell #"""
        (trap 'echo child >> got' USR1; trap 'exit 0' TERM; touch up; while :; do sleep 0.01; done) &
        trap 'echo main >> got' USR1
        trap 'exit 0' TERM
        while :; do sleep 0.01; done
        """#
    readiness file="up"
}
service "off" { command "sleep" "1000"; disabled }
"##;

#[test]
fn a_signal_goes_to_the_main_process_or_to_its_group() {
    let project = TempProject::new(TELLS);
    project.ok(&["up", "-d"]);
    project.ok(&["signal", "usr1", "web"]);
    eventually("the signal", || project.read("got") == "main\n");
    project.ok(&["signal", "SIGUSR1", "web", "--to", "group"]);
    eventually("both signals", || {
        let mut got: Vec<String> = project.read("got").lines().map(str::to_owned).collect();
        got.sort();
        got == ["child", "main", "main"]
    });
    let off = project.svc(&["signal", "10", "off"]).code(3);
    assert!(off.err.contains("not running: off"), "{off:?}");
    assert_eq!(project.svc(&["signal", "NOPE", "web"]).code, 2);
    assert_eq!(project.svc(&["signal", "10", "wbe"]).code, 4);
    // svc draws no conclusion: the policy of a service decides what follows its end.
    let before = project.pid("web");
    project.ok(&["signal", "KILL", "all"]);
    eventually("the restart", || {
        let web = project.instance("web");
        web["state"] == "ready" && web["pid"].as_i64() != Some(before.into())
    });
    project.ok(&["down"]);
}

#[test]
fn a_probe_is_run_now_and_shows_what_it_saw() {
    let project = TempProject::new(
        r#"
        service "web" {
            shell "exec sleep 1000"
            readiness file="up"
            liveness exec="sh -c 'echo looking; echo bad news >&2; exit $(cat code)'" period="1h"
            start-timeout "1h"
        }
        service "mute" { command "sleep" "1000" }
        "#,
    );
    project.write("code", "2");
    project.ok(&["up", "-d", "--no-wait"]);
    eventually("its start", || project.instance("web")["state"] == "starting");
    let probed = project.svc(&["probe", "web"]).code(1);
    assert!(probed.out.contains("web readiness (file ") && probed.out.contains("failed after"), "{probed:?}");
    let lines: Vec<&str> = probed.out.lines().skip(1).collect();
    assert!(lines[0].contains("exit code 2: bad news"), "{probed:?}");
    assert_eq!(lines[1..], ["  | looking", "  | bad news"]);
    assert_eq!(project.instance("web")["state"], "starting", "nothing follows from it");
    project.write("code", "0");
    let json = project.ok(&["probe", "web", "--only", "liveness", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["schema"], &json["probes"][0]["passed"]), (&"svc.probes/1".into(), &true.into()));
    assert_eq!(json["probes"][0]["output"], "looking\nbad news\n");
    let none = project.svc(&["probe", "mute"]).code(1);
    assert!(none.err.contains("no probe: `mute`"), "{none:?}");
    project.ok(&["down", "--kill"]);
}

#[test]
fn events_tell_what_happened_and_go_on_with_what_happens() {
    let project = TempProject::new(
        "service \"db\" { command \"sleep\" \"1000\" }\n\
         service \"web\" { command \"sleep\" \"1000\"; depends-on db }\n",
    );
    project.ok(&["up", "-d"]);
    let past = project.ok(&["events"]);
    let about: Vec<&str> =
        past.lines().filter_map(|line| line.split_once("  ")).map(|(_, text)| text).collect();
    assert!(about.contains(&"web  waiting -> starting: was asked to start"), "{past}");
    assert!(about.contains(&"db  starting -> ready: started"), "{past}");
    assert!(project.ok(&["events", "db"]).lines().all(|line| line.contains("  db  ")));
    assert_eq!(project.ok(&["events", "-n", "2"]).lines().count(), 2);
    assert_eq!(project.ok(&["events", "--since", "2100-01-01T00:00:00Z"]), "");
    assert_eq!(project.svc(&["events", "wbe"]).code, 4);
    let mut follow = project.command(&["events", "-f", "-n", "0", "-o", "json"]).spawn().expect("svc starts");
    let mut lines = BufReader::new(follow.stdout.take().expect("piped")).lines();
    let mut next = || -> serde_json::Value {
        serde_json::from_str(&lines.next().expect("goes on").expect("readable")).expect("JSON")
    };
    project.ok(&["stop", "web"]);
    let first = next();
    assert_eq!((&first["schema"], &first["instance"]), (&"svc.event/1".into(), &"web".into()));
    assert_eq!((&first["to"], &first["cause"]["kind"]), (&"stopping".into(), &"request".into()));
    // The engine is replaced; who follows goes on with the next one.
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("it runs");
    project.ok(&["start", "web"]);
    let ready = |event: &serde_json::Value| event["instance"] == "web" && event["to"] == "ready";
    assert!(std::iter::repeat_with(&mut next).any(|event| ready(&event)));
    project.ok(&["down"]);
    let last = std::iter::repeat_with(next).find(|event| event["event"] == "ended").expect("it ends");
    assert_eq!(last["schema"], "svc.event/1");
    assert_eq!(follow.wait().expect("waited").code(), Some(0));
}

const PLACE: &str = r##"
service "web" {
    command "sleep" "1000"
    working-dir "place"
    umask "027"
    env GREETING="hello" HOME=#null
}
service "two" { command "sleep" "1000"; replicas 2 }
"##;

#[test]
fn a_command_runs_as_the_service_runs() {
    let project = TempProject::new(PLACE);
    std::fs::create_dir(project.path("place")).expect("made");
    project.ok(&["up", "-d"]);
    let show = "pwd; umask; echo $GREETING ${HOME-unset} $SVC_NAME; cat; exit 9";
    let mut command = project.command(&["exec", "web", "--", "sh", "-c", show]);
    let mut child = command.stdin(Stdio::piped()).env("GREETING", "other").spawn().expect("svc starts");
    child.stdin.take().expect("piped").write_all(b"typed").expect("it reads");
    let done = finish(child).code(9);
    let place = project.path("place").canonicalize().expect("there");
    assert_eq!(done.out, format!("{}\n0027\nhello unset web\ntyped", place.display()));
    assert_eq!(project.svc(&["exec", "web", "nosuch"]).code, 127);
    assert_eq!(project.svc(&["exec", "web", "/etc/passwd"]).code, 126);
    assert_eq!(project.svc(&["exec", "web", "sh", "-c", "kill -9 $$"]).code, 137);
    let several = project.svc(&["exec", "two", "true"]).code(1);
    assert!(several.err.contains("`two.0`"), "{several:?}");
    assert_eq!(
        project.svc(&["exec", "two.1", "--", "sh", "-c", "echo $SVC_NAME; exit $SVC_REPLICA"]).code,
        1
    );
    project.ok(&["down"]);
}

#[test]
fn a_command_runs_as_the_user_of_the_service() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can be somebody else; the suite runs as root in CI.
        return;
    }
    let project = TempProject::new(
        "service \"web\" { command \"sleep\" \"1000\"; user \"4242\" group=\"4343\"; logs none }\n",
    );
    std::fs::set_permissions(project.path(""), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    project.ok(&["up", "-d"]);
    let who = project.ok(&["exec", "web", "--", "sh", "-c", "id -u; id -g"]);
    assert_eq!(who.lines().collect::<Vec<_>>(), ["4242", "4343"]);
    project.ok(&["down"]);
}

#[test]
fn a_command_can_have_a_terminal_of_its_own() {
    let project = TempProject::new(PLACE);
    std::fs::create_dir(project.path("place")).expect("made");
    project.ok(&["up", "-d"]);
    // It is not the terminal svc was called on, but one of the same size that keys go to.
    let script = "echo size $(stty size); read line; echo got $line; tty > tty; exec 3</dev/tty && exit 6";
    let line = format!("tty > tty; svc exec -ti web -- sh -c '{script}'");
    let mut terminal = Terminal::start(&project, &line);
    terminal.until("size 40 100");
    terminal.keys.write_all(b"a line\r").expect("the terminal takes keys");
    let (code, screen) = terminal.finish();
    assert_eq!(code, 6, "{screen:#?}");
    assert_eq!(screen.last().map(String::as_str), Some("got a line"), "{screen:#?}");
    assert_ne!(project.read("tty"), project.read("place/tty"));
    // Without a terminal of ours it has one all the same.
    let alone = project.svc(&["exec", "-t", "web", "--", "sh", "-c", "test -t 0 && echo yes"]).code(0);
    assert_eq!(alone.out, "yes\r\n");
    project.ok(&["down"]);
}
