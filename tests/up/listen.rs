//! Sockets that svc opens and passes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::TempProject;

/// Answers whoever connects to the first socket with what it knows of itself, until it is asked to end.
const SERVER: &str = r#"
import os, socket
fds = int(os.environ["LISTEN_FDS"])
assert int(os.environ["LISTEN_PID"]) == os.getpid()
sockets = [socket.socket(fileno=3 + n) for n in range(fds)]
kinds = [socket.type.name for socket in sockets]
listener = sockets[0]
assert listener.getblocking()
open("started", "a").write("x")
while True:
    peer, _ = listener.accept()
    peer.sendall(f"{os.getpid()} {os.environ['LISTEN_FDNAMES']} {kinds}".encode())
    peer.close()
"#;

/// A port that nobody listens on.
fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.local_addr().expect("bound").port()
}

/// Returns what the server behind a connection says.
fn answer(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    text
}

fn ask(port: u16) -> String {
    answer(TcpStream::connect(("127.0.0.1", port)).expect("the socket is open"))
}

fn server(port: u16) -> TempProject {
    let project = TempProject::new(&format!(
        r#"
        service "web" {{
            command "/usr/bin/python3" "server.py"
            listen tcp="127.0.0.1:{port}" name="http"
            listen udp="127.0.0.1:{port}"
            listen unix="run/web.sock" mode="0666"
            readiness file="started"
            backoff "10ms"
        }}
        "#
    ));
    project.write("server.py", SERVER);
    project
}

#[test]
fn sockets_are_passed_as_sd_listen_fds_describes() {
    let port = free();
    let project = server(port);
    project.ok(&["up", "-d"]);
    let pid = project.pid("web");
    assert_eq!(ask(port), format!("{pid} http:web:web ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_STREAM']"));
    let path = project.path("run/web.sock");
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    UnixStream::connect(&path).expect("the socket is open");
    UdpSocket::bind(("127.0.0.1", port)).expect_err("svc has it");
    project.ok(&["down"]);
    TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
    assert!(!path.exists(), "it is removed");
}

#[test]
fn no_connection_is_refused_while_the_service_or_svc_itself_is_restarted() {
    let port = free();
    let project = server(port);
    project.ok(&["up", "-d"]);
    let first = project.pid("web");
    kill(Pid::from_raw(first), Signal::SIGKILL).expect("killed");
    // One that was accepted by the process that is being killed has no answer.
    let answers = std::iter::repeat_with(|| ask(port));
    let is_new = |answer: &String| !answer.is_empty() && !answer.starts_with(&first.to_string());
    let second = answers.into_iter().find(is_new).expect("it comes back");
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    assert_eq!(ask(port), second, "nothing happened to the service");
    // A connection waits for the service that is being restarted.
    let mut restart = project.command(&["restart", "web"]).spawn().expect("svc starts");
    let answers: Vec<String> = (0..20).map(|_| ask(port)).collect();
    assert!(restart.wait().expect("waited").success());
    let third = project.pid("web").to_string();
    let is_of_one = |answer: &String| answer.is_empty() || answer.starts_with(&third) || *answer == second;
    assert!(answers.iter().all(is_of_one), "{answers:?}");
    assert!(ask(port).starts_with(&third));
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_stopped_service_refuses_connections_and_a_started_one_has_its_socket_again() {
    let port = free();
    let project = server(port);
    project.ok(&["up", "-d"]);
    for _ in 0..3 {
        project.ok(&["stop", "web"]);
        TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
        project.ok(&["start", "web"]);
        let _ = ask(port);
    }
    // Another engine closes what it finds open.
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    project.ok(&["stop", "web"]);
    TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
    project.ok(&["down"]);
}

#[test]
fn replicas_share_a_socket_until_the_last_is_down() {
    let port = free();
    let project = server(port);
    let text = project.read("services.kdl").replace("backoff", "replicas 2\n            backoff");
    project.write("services.kdl", &text);
    project.ok(&["up", "-d"]);
    project.ok(&["stop", "web.0"]);
    assert!(ask(port).starts_with(&project.pid("web.1").to_string()));
    project.ok(&["stop", "web.1"]);
    TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
    project.ok(&["down"]);
}

#[test]
fn a_socket_is_passed_as_stdin_to_whoever_wants_it_there() {
    let project = TempProject::new(
        r#"service "php" { command "/usr/bin/python3" "server.py"; listen unix="php.sock" as=stdin; readiness file="started" }"#,
    );
    project.write(
        "server.py",
        "import os, socket\nassert 'LISTEN_FDS' not in os.environ\nlistener = socket.socket(fileno=0)\n\
         open('started', 'w')\npeer, _ = listener.accept()\npeer.sendall(peer.recv(100).upper())\npeer.close()\n\
         listener.accept()\n",
    );
    project.ok(&["up", "-d"]);
    let mut stream = UnixStream::connect(project.path("php.sock")).expect("the socket is open");
    stream.write_all(b"hello").expect("sent");
    assert_eq!(answer(stream), "HELLO");
    project.ok(&["down"]);
}

#[test]
fn an_address_in_use_is_said_at_its_place_with_who_has_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let project = server(port);
    let text = project.read("services.kdl").replace("backoff \"10ms\"", "restart never");
    project.write("services.kdl", &text);
    let said = project.svc(&["up", "-d"]).code(1).err;
    let pid = std::process::id();
    assert!(said.contains("`web` cannot be started: listening for it: Address already in use"), "{said}");
    assert!(said.contains("[services.kdl:4:13]"), "{said}");
    assert!(said.contains(&format!("(pid {pid}) listens on port {port}")), "{said}");
    drop(listener);
    project.ok(&["start", "web"]);
    assert!(ask(port).starts_with(&project.pid("web").to_string()));
    project.ok(&["down"]);
}

#[test]
fn a_changed_address_is_opened_and_the_old_one_closed() {
    let (port, other) = (free(), free());
    let project = server(port);
    project.ok(&["up", "-d"]);
    let text = project.read("services.kdl").replace(&port.to_string(), &other.to_string());
    project.write("services.kdl", &text);
    project.ok(&["apply"]);
    let _ = ask(other);
    TcpStream::connect(("127.0.0.1", port)).expect_err("it is closed");
    project.ok(&["down"]);
}
