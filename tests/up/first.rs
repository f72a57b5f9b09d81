//! svc as the first process of a container: a pid namespace of its own, made without privilege by unshare(1).

use std::fs;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{Finished, SVC, TempProject, eventually, finish};

/// Whether this machine lets anybody make namespaces; some distributions forbid it.
fn may_make_namespaces() -> bool {
    let project = TempProject::new("");
    let mut unshare = project.program("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--mount", "--fork", "true"]);
    finish(unshare.spawn().expect("unshare is there")).code == 0
}

/// A shell line that ends in svc as the first process.
fn container(project: &TempProject, line: &str) -> Command {
    let mut command = project.program("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child"]);
    command.args(["sh", "-c", line]).env("SVC", SVC);
    command
}

/// A running container.
struct Container {
    unshare: Child,
    /// svc, by its number outside.
    first: Pid,
}

impl Container {
    /// Starts one and waits until `ready` is in its output folder.
    fn start(project: &TempProject, line: &str, ready: &str) -> Self {
        let unshare = container(project, line).stdin(Stdio::null()).spawn().expect("unshare is there");
        let id = unshare.id();
        eventually("its start", || project.path(ready).exists());
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("readable");
        let first = children.split_whitespace().next().expect("it forked").parse().expect("a number");
        Self { unshare, first: Pid::from_raw(first) }
    }

    /// Sends a signal to svc and waits for the end.
    fn signal(self, signal: Signal) -> Finished {
        kill(self.first, signal).expect("it runs");
        finish(self.unshare)
    }
}

/// The states of the children of a process: `Z` for one that nobody reaped.
fn children(parent: Pid) -> Vec<char> {
    let entries = fs::read_dir("/proc").expect("there").flatten();
    let states = entries.filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(parent.as_raw())).then_some(state)
    });
    states.collect()
}

const PAIR: &str = r#"
service "db" { shell "trap 'echo db >> order; exit 0' TERM; touch up; while :; do sleep 0.01; done"; readiness file="up" }
service "web" { shell "trap 'echo web >> order; exit 0' TERM; touch both; while :; do sleep 0.01; done"; readiness file="both"; depends-on db }
"#;

#[test]
fn signals_stop_everything_in_order_and_the_code_tells_which() {
    if !may_make_namespaces() {
        return;
    }
    for (signal, code, order) in [
        (Signal::SIGTERM, 0, "web\ndb\n"),
        (Signal::SIGINT, 130, "web\ndb\n"),
        (Signal::SIGPWR, 0, "web\ndb\n"),
        (Signal::SIGQUIT, 131, ""),
    ] {
        let project = TempProject::new(PAIR);
        let container = Container::start(&project, "exec \"$SVC\" up", "both");
        // The first process has no terminal to lose.
        kill(container.first, Signal::SIGHUP).expect("it runs");
        let _ = container.signal(signal).code(code);
        assert_eq!(project.read("order"), order, "{signal}");
        project.assert_nothing_is_left();
    }
}

#[test]
fn orphans_are_reaped_whoever_left_them() {
    if !may_make_namespaces() {
        return;
    }
    let project = TempProject::new(
        r#"
        service "storm" {
            shell "for i in $(seq 300); do (sh -c 'sleep 0.01' &); done; touch done; exec sleep 1000"
            readiness file="done"
        }
        "#,
    );
    let container = Container::start(&project, "exec \"$SVC\" up", "done");
    let first = container.first;
    // Others than svc start processes in the container too: their orphans are the first process's.
    let target = first.as_raw().to_string();
    let mut others = project.program("nsenter");
    others.args(["-t", &target, "--user", "--pid", "--mount", "--preserve-credentials"]);
    others.args(["sh", "-c", "for i in $(seq 100); do (sleep 0.01 &); done"]);
    let _ = finish(others.spawn().expect("nsenter is there")).code(0);
    // What is left is svc's guard below it, and below that the engine and the service.
    eventually("the end of all orphans", || children(first).len() == 1);
    let guard = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).expect("readable");
    let guard = Pid::from_raw(guard.trim().parse().expect("one child"));
    eventually("the end of the storm", || children(guard).len() == 2);
    let _ = container.signal(Signal::SIGTERM).code(0);
}

#[test]
fn the_code_of_what_the_container_is_for_is_its_code() {
    if !may_make_namespaces() {
        return;
    }
    let project = TempProject::new(
        "service \"db\" { command \"sleep\" \"1000\" }\n\
         task \"main\" { shell \"exit 42\"; depends-on db; on-exit success=shutdown failure=shutdown }\n",
    );
    let _ = finish(container(&project, "exec \"$SVC\" up").spawn().expect("unshare is there")).code(42);
    let ran =
        finish(container(&project, "exec \"$SVC\" run sh -c 'echo $$; exit 9'").spawn().expect("there"))
            .code(9);
    assert!(ran.out.trim() != "1", "{ran:?}");
    project.assert_nothing_is_left();
}

#[test]
fn it_does_without_a_writable_root_without_proc_and_without_descriptors() {
    if !may_make_namespaces() {
        return;
    }
    let readonly = "mount -t tmpfs none /run && mount --rbind / /mnt && mount -o remount,ro,bind /mnt && ";
    let inside = "mount -t tmpfs none /mnt/run && unset SVC_RUNTIME_DIR SVC_STATE_DIR && \
                  exec chroot /mnt \"$SVC\" -C \"$PWD\" up";
    let task = "task \"main\" { shell \"echo said; exit 7\"; on-exit failure=shutdown }\n";
    let project = TempProject::new(task);
    let line = format!("{readonly}{inside}");
    let done = finish(container(&project, &line).spawn().expect("unshare is there")).code(7);
    assert!(done.err.contains("read-only file system") && done.out.contains("said"), "{done:?}");
    let project = TempProject::new(task);
    let line = "mount -t tmpfs none /proc && exec \"$SVC\" up";
    let done = finish(container(&project, line).spawn().expect("unshare is there")).code(7);
    assert!(done.out.contains("said"), "{done:?}");
    let project = TempProject::new(task);
    let _ = finish(container(&project, "exec \"$SVC\" up <&- >&- 2>&-").spawn().expect("there")).code(7);
    assert_eq!(project.ok(&["logs"]), "said\n");
}

#[test]
fn a_hangup_applies_the_service_file() {
    if !may_make_namespaces() {
        return;
    }
    let project = TempProject::new("service \"a\" { shell \"touch a; exec sleep 1000\" }\n");
    let container = Container::start(&project, "exec \"$SVC\" up 2> err", "a");
    eventually("the start", || project.read("err").contains("a: ready"));
    let hangup = || kill(container.first, Signal::SIGHUP).expect("it runs");
    project.write("services.kdl", "service \"a\" { comand \"sleep\" \"1\" }\n");
    hangup();
    eventually("the refusal", || project.read("err").contains("svc: cannot apply the service file: "));
    project.write(
        "services.kdl",
        "service \"a\" { shell \"touch a; exec sleep 1000\" }\nservice \"b\" { shell \"touch b; exec sleep 1000\" }\n",
    );
    hangup();
    eventually("the new service", || project.path("b").exists());
    eventually("the account", || {
        project.read("err").contains("svc: applying the service file: 1 to start\n")
    });
    hangup();
    eventually("nothing", || project.read("err").contains("svc: nothing to do"));
    let _ = container.signal(Signal::SIGTERM).code(0);
    project.assert_nothing_is_left();
}

const DEAF: &str = r#"
service "db" { shell "trap '' TERM; touch db; while :; do sleep 0.05; done"; readiness file="db" }
service "web" { shell "trap '' TERM; touch web; while :; do sleep 0.05; done"; readiness file="web"; depends-on db }
"#;

#[test]
fn a_stop_is_over_before_the_container_engine_loses_its_patience() {
    if !may_make_namespaces() {
        return;
    }
    // One after the other they have twenty seconds of grace; an engine kills after ten.
    let project = TempProject::new(DEAF);
    let container = Container::start(&project, "exec \"$SVC\" up", "web");
    let done = container.signal(Signal::SIGTERM).code(0);
    assert!(done.err.contains("skipping what is left of the grace periods"), "{done:?}");
    project.assert_nothing_is_left();
}

#[test]
fn how_long_a_stop_may_take_can_be_said() {
    if !may_make_namespaces() {
        return;
    }
    let project = TempProject::new(&DEAF.replace("depends-on db", "depends-on db; stop grace=\"1h\""));
    let container = Container::start(&project, "exec \"$SVC\" up --stop-within 200ms", "web");
    let done = container.signal(Signal::SIGTERM).code(0);
    assert!(done.err.contains("skipping what is left of the grace periods"), "{done:?}");
    project.assert_nothing_is_left();
}

#[test]
fn it_runs_as_a_user_nobody_knows() {
    if !may_make_namespaces() {
        return;
    }
    let task = "task \"main\" { shell \"echo $(id -u) said; exit 7\"; on-exit failure=shutdown }\n";
    let mut project = TempProject::new(task);
    if nix::unistd::getuid().is_root() {
        project = project.owned_by(123_456);
    }
    let mut command = project.program("unshare");
    command.args([
        "--user",
        "--map-current-user",
        "--pid",
        "--fork",
        "--mount",
        "--mount-proc",
        "--kill-child",
    ]);
    command.args([SVC, "up"]).env_remove("HOME").env_remove("USER");
    let done = finish(command.spawn().expect("unshare is there")).code(7);
    assert!(done.out.contains("said"), "{done:?}");
}
