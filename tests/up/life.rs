//! The ordinary life of a project.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::support::project::{TempProject, eventually};

#[test]
fn a_project_comes_up_in_order_and_goes_down_in_reverse() {
    let project = TempProject::new(
        r#"
        service "db" {
            shell "echo db up >> order; trap 'echo db down >> order; exit 0' TERM; touch db.ready; while :; do sleep 0.01; done"
            readiness file="db.ready"
        }
        task "migrate" { shell "echo migrate >> order"; depends-on db }
        service "api" {
            shell "echo api up >> order; trap 'echo api down >> order; exit 0' TERM; while :; do sleep 0.01; done"
            depends-on migrate db
        }
        "#,
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.read("order"), "db up\nmigrate\napi up\n");
    assert_eq!(project.instance("api")["state"], "ready");
    assert_eq!(project.instance("migrate")["state"], "completed");
    project.ok(&["down"]);
    assert_eq!(project.read("order"), "db up\nmigrate\napi up\napi down\ndb down\n");
    project.assert_nothing_is_left();
}

#[test]
fn a_service_that_is_killed_is_started_again() {
    let project =
        TempProject::new(r#"service "web" { shell "echo $$ >> pids; exec sleep 1000"; backoff "0s" }"#);
    project.ok(&["up", "-d"]);
    let first = project.pid("web");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first), nix::sys::signal::Signal::SIGKILL)
        .expect("killed");
    eventually("the restart", || project.read("pids").lines().count() == 2);
    project.ok(&["wait", "web"]);
    assert_ne!(project.pid("web"), first);
    assert_eq!(project.instance("web")["restarts"], 1);
    project.ok(&["down"]);
}

#[test]
fn start_stop_and_restart_do_what_they_say() {
    let project = TempProject::new(
        r#"
        service "a" { shell "exec sleep 1000" }
        service "b" { shell "exec sleep 1000"; depends-on a }
        "#,
    );
    project.ok(&["up", "-d"]);
    let before = (project.pid("a"), project.pid("b"));
    project.ok(&["restart", "b"]);
    let after = (project.pid("a"), project.pid("b"));
    assert_eq!(before.0, after.0, "a dependency is left alone");
    assert_ne!(before.1, after.1);
    project.ok(&["stop", "a"]);
    assert_eq!(project.instance("b")["state"], "inactive", "what depends on it was stopped first");
    project.ok(&["start", "b"]);
    assert_eq!(project.instance("a")["state"], "ready", "what it depends on was started first");
    project.ok(&["down"]);
}

#[test]
fn replicas_get_ports_of_their_own_and_dependents_wait_for_all() {
    let project = TempProject::new(
        r#"
        service "api" {
            shell "echo $PORT > $SVC_INSTANCE.port; exec sleep 1000"
            port 9000
            replicas 3
            readiness file="${SVC_INSTANCE}.port"
        }
        task "after" { shell "cat api.*.port > all"; depends-on api }
        "#,
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.read("all"), "9000\n9001\n9002\n");
    project.ok(&["down"]);
}

#[test]
fn logs_hold_what_services_wrote_and_are_read_without_a_supervisor() {
    let project = TempProject::new(
        r##"task "talk" { shell #"echo out; echo err >&2; printf '\377\376 not utf-8\n'"# }"##,
    );
    project.ok(&["up", "-d"]);
    project.ok(&["down"]);
    let out = project.ok(&["logs", "--no-prefix", "talk"]);
    assert!(out.starts_with("out\nerr\n"), "{out}");
    assert!(out.contains("not utf-8"), "{out}");
}

#[test]
fn a_second_up_talks_to_the_first() {
    let project = TempProject::new(r#"service "a" { shell "exec sleep 1000" }"#);
    project.ok(&["up", "-d"]);
    let pid = project.pid("a");
    project.ok(&["up", "-d"]);
    assert_eq!(project.pid("a"), pid);
    let supervisors = project.processes().len();
    assert_eq!(supervisors, 3, "one guard, one engine, one service");
    project.ok(&["down"]);
    let _ = project.svc(&["ps"]).code(4);
    let runtime =
        std::fs::read_dir(project.path(".run")).expect("readable").next().expect("one").expect("readable");
    let left: Vec<_> =
        std::fs::read_dir(runtime.path()).expect("readable").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["lock"], "neither socket nor record stays behind");
    project.ok(&["down"]);
}

#[test]
fn selected_services_come_with_what_they_depend_on_and_nothing_else() {
    let project = TempProject::new(
        r#"
        service "a" { shell "exec sleep 1000" }
        service "b" { shell "exec sleep 1000"; depends-on a }
        service "c" { shell "exec sleep 1000" }
        "#,
    );
    project.ok(&["up", "-d", "b"]);
    assert_eq!(project.instance("a")["state"], "ready");
    assert_eq!(project.instance("c")["state"], "inactive");
    project.ok(&["down"]);
}

#[test]
fn a_service_tells_its_readiness_by_a_descriptor_by_its_log_and_by_the_notify_socket() {
    let project = TempProject::copy_of(std::path::Path::new("examples/readiness"));
    project.ok(&["up", "-d"]);
    let out = project.ok(&["logs", "--no-prefix", "report"]);
    assert_eq!(out, "all three are ready\n");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn an_engine_that_is_killed_is_replaced_and_no_service_notices() {
    let project = TempProject::new(
        r#"
        service "count" { shell "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done" }
        service "other" { shell "exec sleep 1000"; depends-on count }
        "#,
    );
    project.ok(&["up", "-d"]);
    let before = (project.pid("count"), project.pid("other"));
    for _ in 0..3 {
        let engine = project.engine().expect("an engine runs");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(engine), nix::sys::signal::Signal::SIGKILL)
            .expect("killed");
        eventually("a new engine", || {
            project.engine().is_some_and(|new| new != engine) && project.svc(&["ps"]).code == 0
        });
    }
    assert_eq!((project.pid("count"), project.pid("other")), before);
    assert_eq!(project.instance("count")["state"], "ready");
    project.ok(&["down"]);
    let out = project.ok(&["logs", "--no-prefix", "-n", "100000", "count"]);
    let numbers: Vec<u64> = out.lines().map(|line| line.parse().expect("a whole line")).collect();
    let expected: Vec<u64> = (0..numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "no line is lost, doubled or torn");
    project.assert_nothing_is_left();
}

#[test]
fn whoever_asks_while_the_engine_is_killed_is_answered_by_the_next_one() {
    /// After more of them in a row the guard takes its time with the next engine.
    const KILLS: usize = 6;
    let project = TempProject::new(r#"service "web" { shell "echo hello; exec sleep 1000" }"#);
    project.ok(&["up", "-d"]);
    let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let (project, over, answers) = (&project, &over, &answers);
        let ask = |question: &'static [&'static str]| {
            scope.spawn(move || {
                while !over.load(Relaxed) {
                    let finished = project.svc(question);
                    if (finished.code, finished.err.as_str()) != (0, "") {
                        over.store(true, Relaxed);
                        return Some((question, finished));
                    }
                    answers.fetch_add(1, Relaxed);
                }
                None
            })
        };
        let asking = [ask(&["ps", "web"]), ask(&["why", "web"]), ask(&["logs"]), ask(&["wait", "web"])];
        let mut killed = 0;
        for _ in 0..KILLS {
            let before = answers.load(Relaxed);
            let next = || project.engine().filter(|&engine| engine != killed);
            eventually("an engine that answers", || {
                over.load(Relaxed) || (answers.load(Relaxed) >= before + 8 && next().is_some())
            });
            let Some(engine) = next().filter(|_| !over.load(Relaxed)) else { break };
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(engine), nix::sys::signal::Signal::SIGKILL)
                .expect("killed");
            killed = engine;
        }
        over.store(true, Relaxed);
        asking.into_iter().filter_map(|asking| asking.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn an_engine_that_is_killed_again_and_again_while_a_project_starts_starts_nothing_twice() {
    let mut services = String::new();
    for i in 0..30 {
        let depends = if i % 5 == 0 { String::new() } else { format!("depends-on s{}", i - 1) };
        services += &format!(
            "service \"s{i}\" {{ shell \"echo life >> lives.{i}; sleep 0.03; touch up.{i}; exec sleep 1000\"; readiness file=\"up.{i}\"; {depends} }}\n"
        );
    }
    let project = TempProject::new(&services);
    let up = project.command(&["up", "-d"]).spawn().expect("svc starts");
    for started in [1, 6, 12, 18, 24, 29] {
        let lives = || (0..30).filter(|i| project.path(format!("lives.{i}")).exists()).count();
        eventually("progress", || lives() >= started && project.engine().is_some());
        let engine = nix::unistd::Pid::from_raw(project.engine().unwrap_or(0));
        if engine.as_raw() > 0 {
            nix::sys::signal::kill(engine, nix::sys::signal::Signal::SIGKILL).expect("killed");
        }
    }
    let _ = crate::support::project::finish(up).code(0);
    for i in 0..30 {
        assert_eq!(project.read(&format!("lives.{i}")), "life\n", "s{i} lives once");
        assert_eq!(project.instance(&format!("s{i}"))["state"], "ready");
    }
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
