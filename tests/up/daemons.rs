//! Real daemons, in one file, from check to down.

use std::path::Path;

use crate::support::project::{TempProject, free_port};

/// The user everything runs as when the tests run as root: PostgreSQL refuses to be root.
const NOBODY: u32 = 65534;

/// Returns where PostgreSQL's programs are: in PATH, or where Debian keeps them.
fn postgres() -> String {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = debian.map(|entry| entry.path().join("bin")).find(|bin| bin.join("initdb").exists());
    found.map_or_else(String::new, |bin| format!("{}/", bin.display()))
}

/// PostgreSQL, Redis and nginx with tasks between them; `user` goes into every daemon.
fn services(user: &str) -> String {
    let (pg, redis, web) = (free_port(), free_port(), free_port());
    let bin = postgres();
    format!(
        r#"
project "real" {{
    env PGPORT="{pg}" REDIS_PORT="{redis}" BIN="{bin}"
}}
task "initdb" {{
    {user}
    command "${{BIN}}initdb" "-D" "data/pg" "-A" "trust" "-U" "shop" "--no-sync"
}}
service "postgres" {{
    {user}
    depends-on initdb
    command "${{BIN}}postgres" "-D" "data/pg" "-p" "${{PGPORT}}" "-k" "/tmp" "-c" "listen_addresses=127.0.0.1" "-c" "fsync=off"
    readiness exec="${{BIN}}pg_isready -h 127.0.0.1 -p ${{PGPORT}} -q"
    stop signal=SIGINT grace="20s"
}}
task "create-table" {{
    {user}
    depends-on postgres
    command "psql" "-h" "127.0.0.1" "-p" "${{PGPORT}}" "-U" "shop" "-d" "postgres" "-c" "create table ticks (at timestamptz)"
}}
service "worker" {{
    {user}
    depends-on create-table
    shell "while :; do psql -q -h 127.0.0.1 -U shop -d postgres -c 'insert into ticks values (now())' && touch data/inserted; sleep 0.1; done"
    readiness file="data/inserted"
}}
service "redis" {{
    {user}
    command "redis-server" "--port" "${{REDIS_PORT}}" "--bind" "127.0.0.1" "--dir" "data" "--save" ""
    port {redis}
    readiness exec="redis-cli -p ${{REDIS_PORT}} ping"
}}
service "nginx" {{
    {user}
    after postgres redis
    command "nginx" "-p" "." "-c" "nginx.conf" "-e" "stderr"
    port {web}
    readiness http="http://127.0.0.1:${{PORT}}/"
    stop signal=SIGQUIT grace="10s"
}}
"#
    )
    .replace("WEB", &web.to_string())
}

fn project(user: &str) -> TempProject {
    let services = services(user);
    let web =
        services.split("    port ").last().and_then(|rest| rest.split_whitespace().next()).expect("nginx's");
    let project = TempProject::new(&services);
    let example =
        std::fs::read_to_string(Path::new("examples/web-and-database/nginx.conf")).expect("readable");
    project.write("nginx.conf", &example.replace("18080", web));
    project.write("data/html/index.html", "it works\n");
    project.write("data/nginx/.keep", "");
    project
}

fn runs_from_check_to_down(project: &TempProject) {
    let checked = project.svc(&["check"]).code(0);
    assert!(!checked.err.contains("error"), "{}", checked.err);
    project.ok(&["graph"]);
    project.ok(&["up", "-d", "--timeout", "60s"]);
    for name in ["postgres", "worker", "redis", "nginx"] {
        assert_eq!(project.instance(name)["state"], "ready", "{name}");
    }
    for name in ["initdb", "create-table"] {
        assert_eq!(project.instance(name)["state"], "completed", "{name}");
    }
    project.ok(&["down"]);
    project.assert_nothing_is_left();
    let log = project.ok(&["logs", "--no-prefix", "postgres"]);
    assert!(log.contains("database system is shut down"), "{log}");
}

#[test]
fn postgres_redis_and_nginx_run_as_an_unprivileged_user() {
    let project = project("");
    let project = if nix::unistd::getuid().is_root() { project.owned_by(NOBODY) } else { project };
    runs_from_check_to_down(&project);
}

#[test]
fn postgres_redis_and_nginx_run_under_root_as_the_users_they_name() {
    if !nix::unistd::getuid().is_root() {
        // Only root may become somebody else; the test above is then the whole of it.
        return;
    }
    let project = project("user \"nobody\"");
    let mut folders = vec![project.path("data"), project.path("nginx.conf")];
    folders.extend([project.path("data/html"), project.path("data/nginx")]);
    folders.push(project.path("."));
    for path in folders {
        nix::unistd::chown(&path, Some(NOBODY.into()), Some(NOBODY.into())).expect("root may");
    }
    runs_from_check_to_down(&project);
}
