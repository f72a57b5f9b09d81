//! What a process is given at its start: limits, a priority, a mask, and the names of replicas.

use std::os::unix::fs::PermissionsExt;

use crate::support::project::{TempProject, finish};

#[test]
fn limits_priority_and_mask_hold_for_a_process_and_its_commands() {
    let project = TempProject::new(
        r##"service "web" {
            shell "(ulimit -n; ulimit -c; nice; umask) > web.txt; exec sleep 1000"
            limits nofile=123 core="0B"
            nice 3
            umask "027"
            label team=payments
            label { "example.com/tier" 1 }
            readiness shell="(ulimit -n; nice) > probe.new; mv probe.new probe.txt; test -s web.txt" period="50ms"
        }
        "##,
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.read("web.txt"), "123\n0\n3\n0027\n");
    assert_eq!(project.read("probe.txt"), "123\n3\n", "what runs for a service runs as it does");
    let labels = &project.instance("web")["labels"];
    assert_eq!(labels.to_string(), r#"{"example.com/tier":"1","team":"payments"}"#);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

const IDENTITY: &str = r#"
service "web" {
    user "nobody" groups="games mail"
    umask "026"
    nice 5
    limits nofile=77 nproc=999 core="0B" stack="4M" as="4G"
    working-dir "/tmp"
    env { GIVEN "a word"; SHELL "/bin/its-own"; HOME_OF "${HOME}"; REMOVED #null }
    command "sh" "${DUMP}/dump.sh"
    readiness file="${DUMP}/done"
}
"#;

/// Writes down what the kernel knows of the shell that runs it.
const DUMP: &str = r#"
# No other process reads this one: while a shell makes a child it blocks signals itself.
while read -r line; do echo "$line"; done < /proc/$$/status > "$DUMP/status"
for file in environ limits stat; do cat /proc/$$/$file > "$DUMP/$file"; done
pwd > "$DUMP/cwd"
# In a subshell: a redirection of its own would show.
(ls -l /proc/$$/fd > "$DUMP/fds")
touch "$DUMP/done"
exec sleep 1000
"#;

#[test]
fn a_service_is_and_has_what_it_was_given_and_nothing_else() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let project = TempProject::new(IDENTITY);
    let dump = project.path("dump");
    std::fs::create_dir(&dump).expect("made");
    for folder in [dump.parent().expect("the project"), &dump] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("ours");
    }
    project.write("dump/dump.sh", DUMP);
    let mut up = project.command(&["up", "-d"]);
    up.env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("HOME", "/root"), ("USER", "root"), ("REMOVED", "yes")])
        .envs([("NOTIFY_SOCKET", "/x"), ("LISTEN_FDS", "3"), ("LISTEN_PID", "1"), ("WATCHDOG_USEC", "9")])
        .env("DUMP", &dump)
        .env("SVC_RUNTIME_DIR", project.path(".run"))
        .env("SVC_STATE_DIR", project.path(".state"));
    let _ = finish(up.spawn().expect("svc starts")).code(0);
    let read = |name: &str| project.read(&format!("dump/{name}"));
    let ours = |line: &&str| !["DUMP=", "SVC_"].iter().any(|start| line.starts_with(start));
    let environment = read("environ");
    let mut environment: Vec<&str> = environment.split_terminator('\0').filter(ours).collect();
    environment.sort_unstable();
    assert_eq!(
        environment,
        [
            "GIVEN=a word",
            "HOME=/nonexistent",
            "HOME_OF=/nonexistent",
            "LOGNAME=nobody",
            "PATH=/usr/bin:/bin",
            "SHELL=/bin/its-own",
            "USER=nobody"
        ]
    );
    let status = read("status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let id = |kind: &str, name: &str| number_of(kind, name);
    let (uid, gid) = (id("passwd", "nobody"), id("group", "nogroup"));
    assert_eq!(field("Uid:"), [uid; 4].map(|id| id.to_string()).join(" "));
    assert_eq!(field("Gid:"), [gid; 4].map(|id| id.to_string()).join(" "));
    let mut groups = [id("group", "games"), id("group", "mail")];
    groups.sort_unstable();
    assert_eq!(field("Groups:"), groups.map(|id| id.to_string()).join(" "));
    assert_eq!((&*field("Umask:"), &*field("SigBlk:")), ("0026", "0000000000000000"));
    assert_eq!((&*field("SigIgn:"), &*field("CapEff:")), ("0000000000000000", "0000000000000000"));
    let stat = read("stat");
    let stat: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split_whitespace().collect();
    let main = project.pid("web").to_string();
    assert_eq!(
        (stat[2], stat[3], stat[4], stat[16]),
        (&*main, &*main, "0", "5"),
        "group, session, tty, nice"
    );
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        ["Max open files", "Max processes", "Max core file size", "Max stack size", "Max address space"]
            .map(limit),
        ["77 77", "999 999", "0 0", "4194304 4194304", "4294967296 4294967296"]
    );
    assert_eq!(read("cwd"), "/tmp\n");
    let fds = read("fds");
    let fds: Vec<(&str, &str)> = fds
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().expect("a number"), target))
        .map(|(number, target)| (number, target.split(':').next().unwrap_or(target)))
        // The script that the shell reads.
        .filter(|(_, target)| !target.ends_with("/dump.sh"))
        .collect();
    assert_eq!(fds, [("0", "/dev/null"), ("1", "pipe"), ("2", "pipe")]);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

/// Looks a number up in `/etc/passwd` or `/etc/group`.
fn number_of(kind: &str, name: &str) -> u32 {
    let file = std::fs::read_to_string(format!("/etc/{kind}")).expect("there");
    let line = file.lines().find(|line| line.split(':').next() == Some(name)).expect("every Debian has it");
    line.split(':').nth(2).expect("a number").parse().expect("a number")
}

#[test]
fn replicas_with_names_of_their_own_are_reached_by_them_and_by_their_service() {
    let project = TempProject::new(
        "service \"web\" { replicas 2 name=\"web_%02d\"; shell \"echo $SVC_INSTANCE; exec sleep 1000\" }\n\
         service \"late\" { depends-on web; shell \"exec sleep 1000\" }\n",
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("web_00")["state"], "ready");
    assert_eq!(project.instance("web_01")["service"], "web");
    let stopped = project.svc(&["stop", "web_01"]).code(0);
    assert!(stopped.err.contains("late"), "{}", stopped.err);
    assert_eq!(project.instance("web_00")["state"], "ready");
    assert_eq!(project.instance("web_01")["state"], "inactive");
    project.ok(&["start", "late"]);
    let both = project.svc(&["stop", "web"]).code(0);
    assert!(!both.err.contains("goes with"), "{}", both.err);
    assert_eq!(project.instance("web_00")["state"], "inactive");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
