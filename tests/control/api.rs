//! What each route answers, and what it refuses.
#![expect(clippy::disallowed_methods, reason = "another user connects by a child process")]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use svc::base::{ExitStatus, Signal};
use svc::control::{CallError, Client, ConnectError, routes, wire};
use svc::engine::action::{Cause, StateName};
use svc::engine::event::{Command, RequestId};
use svc::graph::InstanceId;

use crate::control::support::{Bench, ask, put, raw, serve, shop, wait};

/// db was killed and waits for its next start; one api waits for it, the other is ready.
fn troubled() -> Bench {
    let bench = serve(shop());
    bench.change(|seen| {
        put(&mut seen[0], StateName::Backoff, Cause::Exit(ExitStatus::Signal(Signal::KILL)));
        seen[0].view.last_exit = Some(ExitStatus::Signal(Signal::KILL));
        seen[0].due = Some("2026-01-02T03:04:09Z".parse().expect("a time"));
        wait(&mut seen[1], 0);
        put(&mut seen[2], StateName::Ready, Cause::Spawned);
        put(&mut seen[3], StateName::Disabled, Cause::Initial);
    });
    bench
}

fn pretty(body: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

#[tokio::test]
async fn the_forms_of_the_answers_are_these() {
    let bench = troubled();
    for (name, path) in [("project", "/v1/project"), ("ps", "/v1/services"), ("why", "/v1/services/api.0")] {
        let (status, body) = ask(&bench.socket, "GET", path, "").await;
        assert_eq!(status, 200, "{body}");
        // The place of the socket is the only thing that differs between two runs, and is not shown.
        assert!(!body.contains(&*bench.dir.path().to_string_lossy()));
        insta::assert_snapshot!(name, pretty(&body));
    }
}

#[tokio::test]
async fn why_leads_from_the_root_cause_to_the_present() {
    let bench = troubled();
    let service = bench.client().await.service("api").await.expect("there is an api");
    let story = |at: usize| -> Vec<String> {
        service.instances[at].why.iter().map(|step| format!("{} {}", step.instance, step.text)).collect()
    };
    assert_eq!(
        story(0),
        ["db killed by SIGKILL", "db waits for its next start", "api.0 waits for db to be ready"]
    );
    assert_eq!(story(1), ["api.1 started", "api.1 is ready"]);
}

#[tokio::test]
async fn why_remembers_what_a_neighbour_was_then() {
    let bench = serve(shop());
    let gave_up = Cause::GaveUp { restarts: 5, last: Some(ExitStatus::Code(3)) };
    let neighbour = Cause::Neighbour { instance: InstanceId(0), state: StateName::Failed };
    bench.becomes(0, StateName::Backoff, StateName::Failed, gave_up);
    bench.becomes(1, StateName::Waiting, StateName::Failed, neighbour.clone());
    bench.change(|seen| {
        put(&mut seen[0], StateName::Ready, Cause::Spawned);
        put(&mut seen[1], StateName::Failed, neighbour);
    });
    let service = bench.client().await.service("api.0").await.expect("there is one");
    let story: Vec<&str> = service.instances[0].why.iter().map(|step| &*step.text).collect();
    assert_eq!(
        story,
        ["gave up after 5 restarts: exited with code 3", "has failed for good", "has failed for good"]
    );
}

#[tokio::test]
async fn a_command_reaches_the_driver_with_its_names_resolved() {
    let bench = serve(shop());
    let client = bench.client().await;
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let given = |ids: &[u32]| ids.iter().map(|&id| InstanceId(id)).collect::<Vec<_>>();
    let start = wire::Command::Start { names: names(&["api.1", "api", "db"]), no_deps: true };
    let accepted = client.command(&start).await.expect("accepted");
    assert_eq!((accepted.request, accepted.instances), (1, names(&["db", "api.0", "api.1"])));
    let all = || names(&["all"]);
    client.command(&wire::Command::Restart { names: all(), no_deps: false }).await.expect("accepted");
    client.command(&wire::Command::Stop { names: all(), no_deps: false }).await.expect("accepted");
    client.command(&wire::Command::Shutdown { kill: false }).await.expect("accepted");
    assert_eq!(
        format!("{:?}", bench.commands.lock().expect("whole")),
        format!(
            "{:?}",
            [
                Command::Start { instances: given(&[0, 1, 2]), no_deps: true },
                Command::Restart { instances: given(&[0, 1, 2]), no_deps: false },
                Command::Stop { instances: given(&[0, 1, 2, 3]), no_deps: false },
                Command::Shutdown { kill: false },
            ]
        )
    );
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_nearest_one_and_nothing_is_done() {
    let bench = serve(shop());
    let (status, body) =
        ask(&bench.socket, "POST", "/v1/commands", r#"{"verb":"start","names":["db","apj","zebra"]}"#).await;
    assert_eq!(status, 404);
    insta::assert_snapshot!(body, @r#"{"schema":"svc.problem/1","status":404,"code":"unknown-service","detail":"no service is called `apj` (did you mean `api`?), `zebra`","unknown":[{"name":"apj","nearest":"api"},{"name":"zebra","nearest":null}]}"#);
    assert!(bench.commands.lock().expect("whole").is_empty());
    match bench.client().await.service("d b/../x").await {
        Err(CallError::Refused(problem)) => assert_eq!(problem.code, wire::Code::UnknownService),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_with_its_reason() {
    let bench = serve(shop());
    let large = format!(r#"{{"verb":"start","names":["{}"]}}"#, "x".repeat(routes::LARGEST_BODY));
    for (method, path, body, status, code) in [
        ("GET", "/v1/nope", "", 404, "unknown-route"),
        ("GET", "/v1/services/", "", 404, "unknown-route"),
        ("DELETE", "/v1/services", "", 405, "method-not-allowed"),
        ("POST", "/v1/commands", "{", 400, "malformed"),
        ("POST", "/v1/commands", r#"{"verb":"explode"}"#, 400, "malformed"),
        ("POST", "/v1/commands", r#"{"verb":"stop","names":["db"],"force":true}"#, 400, "malformed"),
        ("POST", "/v1/commands", r#"{"verb":"stop","names":[]}"#, 400, "malformed"),
        ("POST", "/v1/commands", &large, 413, "too-large"),
        ("GET", "/v1/events?after=x", "", 400, "malformed"),
        ("GET", "/health?level=happy", "", 400, "malformed"),
    ] {
        let (answered, answer) = ask(&bench.socket, method, path, body).await;
        let problem: wire::Problem = serde_json::from_str(&answer).expect("a problem");
        assert_eq!((answered, problem.status), (status, status), "{method} {path}: {answer}");
        assert_eq!(serde_json::to_value(problem.code).expect("a word"), code, "{method} {path}");
    }
    assert!(bench.commands.lock().expect("whole").is_empty());
}

#[tokio::test]
async fn more_headers_than_anybody_needs_are_refused() {
    let bench = serve(shop());
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100));
    assert!(raw(&bench.socket, many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn health_is_about_what_is_wanted() {
    let bench = serve(shop());
    let client = bench.client().await;
    let healthy = async |level| {
        let health = client.health(level).await.expect("answered");
        (health.healthy, health.not_ready)
    };
    assert_eq!(healthy(wire::Level::Ready).await, (true, vec![]));
    bench.change(|seen| put(&mut seen[1], StateName::Starting, Cause::Request(RequestId(1))));
    assert_eq!(healthy(wire::Level::Ready).await, (false, vec!["api.0".to_owned()]));
    assert_eq!(healthy(wire::Level::Alive).await, (true, vec![]));
    assert_eq!(ask(&bench.socket, "GET", "/health", "").await.0, 503);
    bench.change(|seen| put(&mut seen[1], StateName::Completed, Cause::Exit(ExitStatus::Code(0))));
    assert_eq!(ask(&bench.socket, "GET", "/health", "").await.0, 200);
}

#[tokio::test]
async fn the_document_of_the_api_has_every_route_and_no_other() {
    let bench = serve(shop());
    let (_, body) = ask(&bench.socket, "GET", "/v1/openapi.json", "").await;
    let document: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let mut documented = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            documented.push((method.to_uppercase(), path.clone()));
        }
    }
    documented.sort();
    let mut routes: Vec<_> = routes::ROUTES.iter().map(|&(m, p)| (m.to_owned(), p.to_owned())).collect();
    routes.sort();
    assert_eq!(documented, routes);
    for &(method, path) in routes::ROUTES.iter().filter(|(_, path)| *path != "/v1/events") {
        let (status, body) = ask(&bench.socket, method, &path.replace("{name}", "db"), "").await;
        assert!(![404, 405].contains(&status), "{path}: {body}");
    }
}

#[tokio::test]
async fn many_clients_are_all_answered() {
    let bench = serve(shop());
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(bench.client().await.events(None).await.expect("subscribed"));
    }
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let client = bench.client().await;
        clients.spawn(async move { client.services().await.expect("answered").instances.len() });
    }
    assert_eq!(clients.join_all().await, vec![4; 200]);
    bench.becomes(0, StateName::Inactive, StateName::Starting, Cause::Spawned);
    for mut reader in readers {
        assert_eq!(reader.next().await.expect("sound").expect("an event").sequence, 1);
    }
}

#[tokio::test]
async fn another_user_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can be somebody else; the suite runs as root in CI.
        return;
    }
    let bench = serve(shop());
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    };
    open(bench.dir.path(), 0o755);
    open(&bench.socket, 0o666);
    let script = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); \
                  s.sendall(b'GET /v1/services HTTP/1.1\\r\\nHost: svc\\r\\n\\r\\n'); \
                  print(s.makefile().read())";
    let socket = bench.socket.clone();
    let output = tokio::task::spawn_blocking(move || {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script];
        std::process::Command::new("setpriv").args(nobody).arg(socket).output().expect("setpriv runs")
    });
    let output = output.await.expect("no panic");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{output:?}");
    assert!(answer.contains(r#""code":"forbidden""#) && !answer.contains("svc.ps"), "{answer}");
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_replaces_only_what_is_dead() {
    let dir = tempfile::tempdir().expect("temp dir");
    let socket = dir.path().join("sock");
    let connect = async || Client::connect(&socket).await.map(|_| ());
    assert!(matches!(connect().await, Err(ConnectError::NotRunning)));
    let first = svc::control::bind(&socket).expect("binds");
    assert_eq!(socket.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    connect().await.expect("somebody listens");
    assert_eq!(svc::control::bind(&socket).expect_err("taken").kind(), std::io::ErrorKind::AddrInUse);
    drop(first);
    assert!(matches!(connect().await, Err(ConnectError::NotRunning)), "a stale socket is nobody");
    drop::<UnixListener>(svc::control::bind(&socket).expect("replaces the dead one"));
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, "kept").expect("written");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    assert!(svc::control::bind(&link).is_err(), "a link is not followed");
    assert_eq!(std::fs::read(&file).expect("there"), b"kept");
}
