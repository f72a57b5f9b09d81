//! Watched files: what their changes lead to, on real processes.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::{TempProject, eventually};

/// Waits until a service has another process than this one, and returns that.
fn replaced(project: &TempProject, name: &str, before: i32) -> i32 {
    eventually(&format!("{name} is replaced"), || {
        let instance = project.instance(name);
        instance["state"] == "ready" && instance["pid"].as_i64().is_some_and(|pid| pid != i64::from(before))
    });
    project.pid(name)
}

fn watching(words: &str) -> TempProject {
    let project = TempProject::new(&format!("service \"web\" {{ command \"sleep\" \"1000\"; {words} }}"));
    fs::create_dir_all(project.path("src/deep")).expect("made");
    project.write("src/deep/a.rs", "1");
    project.ok(&["up", "-d"]);
    project
}

#[test]
fn a_file_that_is_written_replaced_made_or_removed_restarts_what_watches_it() {
    let project = watching(r#"watch "src" debounce="20ms""#);
    let mut pid = project.pid("web");
    project.write("src/deep/a.rs", "2");
    pid = replaced(&project, "web", pid);
    // As editors do: written beside it, then renamed.
    project.write("beside", "3");
    fs::rename(project.path("beside"), project.path("src/deep/a.rs")).expect("renamed");
    pid = replaced(&project, "web", pid);
    fs::create_dir_all(project.path("src/later/still")).expect("made");
    project.write("src/later/still/b.rs", "1");
    pid = replaced(&project, "web", pid);
    fs::remove_file(project.path("src/later/still/b.rs")).expect("removed");
    pid = replaced(&project, "web", pid);
    symlink("a.rs", project.path("src/deep/link.rs")).expect("linked");
    replaced(&project, "web", pid);
    let events = project.ok(&["events"]);
    assert!(events.contains("web  `src/deep/a.rs` changed"), "{events}");
    assert!(events.contains("web  ready -> stopping: `src/deep/a.rs` changed"), "{events}");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_single_file_is_watched_across_renames_and_before_it_is_there() {
    let project = watching(r#"watch "conf/web.conf" debounce="20ms""#);
    let mut pid = project.pid("web");
    fs::create_dir(project.path("conf")).expect("made");
    project.write("conf/web.conf", "1");
    pid = replaced(&project, "web", pid);
    for text in ["2", "3"] {
        project.write("conf/new", text);
        fs::rename(project.path("conf/new"), project.path("conf/web.conf")).expect("renamed");
        pid = replaced(&project, "web", pid);
    }
    project.ok(&["down"]);
}

#[test]
fn what_is_ignored_left_by_editors_or_of_another_name_leads_to_nothing() {
    let project = watching(r#"watch "src/**/*.rs" ignore="*.gen.rs target" debounce="20ms""#);
    let pid = project.pid("web");
    fs::create_dir(project.path("src/target")).expect("made");
    for name in ["src/x.gen.rs", "src/target/y.rs", "src/.a.rs.swp", "src/a.rs~", "src/notes.txt"] {
        project.write(name, "1");
    }
    // What counts comes after all that, and is the first thing that is told.
    project.write("src/deep/b.rs", "1");
    replaced(&project, "web", pid);
    let events = project.ok(&["events"]);
    let changes: Vec<&str> = events.lines().filter(|line| line.ends_with("` changed")).collect();
    assert!(changes.iter().all(|line| line.contains("`src/deep/b.rs` changed")), "{events}");
    project.ok(&["down"]);
}

#[test]
fn a_service_that_can_reload_is_told_and_keeps_its_process() {
    let project = TempProject::new(
        r#"service "web" {
            shell "trap 'echo told >> told' HUP; touch ready; while :; do sleep 0.05; done"
            readiness file="ready"
            reload signal=SIGHUP
            watch "web.conf" action=reload debounce="20ms"
        }"#,
    );
    project.write("web.conf", "1");
    project.ok(&["up", "-d"]);
    let pid = project.pid("web");
    project.write("web.conf", "2");
    eventually("it is told", || project.path("told").exists());
    assert_eq!(project.pid("web"), pid);
    let events = project.ok(&["events"]);
    assert!(events.contains("web  `web.conf` changed") && events.contains("web  reloaded"), "{events}");
    project.ok(&["down"]);
}

#[test]
fn a_service_whose_start_changes_its_own_files_is_not_restarted_for_ever() {
    let project = TempProject::new(
        r#"service "web" {
            shell "date +%N > src/stamp; exec sleep 1000"
            watch "src" debounce="20ms"
        }"#,
    );
    fs::create_dir(project.path("src")).expect("made");
    project.ok(&["up", "-d"]);
    eventually("the watching is paused", || project.instance("web")["unwatched"].is_string());
    let why = project.ok(&["why", "web"]);
    assert!(why.contains("its watched files change with each start"), "{why}");
    let events = project.ok(&["events"]);
    assert!(events.contains("the last one `src/stamp`"), "{events}");
    let pid = project.pid("web");
    let ps = project.svc(&["ps"]).code(0);
    assert!(ps.err.contains("web: its watched files change with each start"), "{}", ps.err);
    // The pause outlives the engine, and ends with a restart by hand.
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    assert!(project.instance("web")["unwatched"].is_string());
    assert_eq!(project.pid("web"), pid);
    project.ok(&["down"]);
}

#[test]
fn an_engine_that_takes_over_watches_on_and_finds_what_changed_meanwhile() {
    let project = watching(r#"watch "src" debounce="20ms""#);
    let before = project.pid("web");
    let engine = Pid::from_raw(project.engine().expect("it runs"));
    // It sees nothing any more, and cannot be asked, until it is killed.
    kill(engine, Signal::SIGSTOP).expect("stopped");
    project.write("src/deep/a.rs", "changed unseen");
    kill(engine, Signal::SIGKILL).expect("killed");
    let pid = replaced(&project, "web", before);
    project.write("src/deep/a.rs", "changed seen");
    replaced(&project, "web", pid);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn an_apply_changes_what_is_watched_without_a_restart() {
    let project = watching(r#"watch "src" debounce="20ms""#);
    let pid = project.pid("web");
    fs::create_dir(project.path("other")).expect("made");
    let text = project.read("services.kdl").replace("watch \"src\"", "watch \"other\"");
    project.write("services.kdl", &text);
    project.ok(&["apply"]);
    project.write("src/deep/a.rs", "2");
    assert_eq!(project.pid("web"), pid, "what is watched holds at once, without a restart");
    project.write("other/a", "1");
    replaced(&project, "web", pid);
    let events = project.ok(&["events"]);
    assert!(!events.contains("`src/deep/a.rs` changed"), "{events}");
    project.ok(&["down"]);
}

#[test]
fn a_limit_of_inotify_is_said_with_what_to_raise() {
    let project = TempProject::new(r#"service "web" { command "sleep" "1000"; watch "src" }"#);
    for number in 0..8 {
        fs::create_dir_all(project.path(format!("src/{number}"))).expect("made");
    }
    // A user namespace of its own may set itself a limit.
    let limited = "echo 3 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    let mut command = project.program("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", limited, "sh", env!("CARGO_BIN_EXE_svc")]);
    let up = command.args(["up", "-d"]).output().expect("unshare runs");
    if !up.status.success() && String::from_utf8_lossy(&up.stderr).starts_with("unshare:") {
        return;
    }
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let unwatched = project.instance("web")["unwatched"].as_str().unwrap_or_default().to_owned();
    assert!(unwatched.contains("raise fs.inotify.max_user_watches"), "{unwatched}");
    project.ok(&["down"]);
}
