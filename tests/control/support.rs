//! A driver that obeys the test, and a raw connection for what the client would never send.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use svc::base::{Invocation, Moment};
use svc::control::{Client, Server};
use svc::engine::action::{Cause, RequestResult, StateName, Transition};
use svc::engine::event::{Command, RequestId};
use svc::engine::view::View;
use svc::graph::{InstanceId, Plan};
use svc::model::policy::Condition;
use svc::runtime::handle::{Accepted, Happening, Manner, Notice, Overview, Question, Seen};
use svc::runtime::{Handle, Project};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{broadcast, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::support::plan::plan;

/// The instant everything of a test happens at.
pub(crate) const THEN: &str = "2026-01-02T03:04:05Z";

pub(crate) fn then() -> Timestamp {
    THEN.parse().expect("a time")
}

/// A server over a socket in a temporary directory, with a driver that obeys the test.
pub(crate) struct Bench {
    pub(crate) overview: Arc<Mutex<Overview>>,
    pub(crate) commands: Arc<Mutex<Vec<Command>>>,
    notices: broadcast::Sender<Arc<Notice>>,
    pub(crate) socket: PathBuf,
    pub(crate) dir: tempfile::TempDir,
    shutdown: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
    _driver: JoinSet<()>,
}

/// db, two api that need it, a disabled task.
pub(crate) fn shop() -> Plan {
    plan("shop").service("db").service("api").replicas(2).needs(&["db"]).task("seed").disabled().build()
}

pub(crate) fn serve(plan: Plan) -> Bench {
    let dir = tempfile::tempdir().expect("temp dir");
    let socket = dir.path().join("sock");
    let listener = svc::control::bind(&socket).expect("binds");
    serve_on(plan, dir, listener)
}

fn serve_on(plan: Plan, dir: tempfile::TempDir, listener: UnixListener) -> Bench {
    let (handle, mut questions, notices) = Handle::new();
    let project = Project {
        file: PathBuf::from("/srv/shop/services.kdl"),
        id: "shop-0123456789".to_owned(),
        runtime_dir: dir.path().to_owned(),
        state_dir: PathBuf::from("/var/log/svc/shop-0123456789"),
    };
    let instances = plan.instances().map(|(id, _)| inactive(id)).collect();
    let overview = Arc::new(Mutex::new(Overview {
        plan: Arc::new(plan),
        sequence: 0,
        since: then(),
        guard_pid: 41,
        engine_pid: 42,
        fingerprint: 0xabc,
        groups: Default::default(),
        instances,
    }));
    let commands = Arc::new(Mutex::new(Vec::new()));
    let mut driver = JoinSet::new();
    let (seen, taken) = (Arc::clone(&overview), Arc::clone(&commands));
    driver.spawn(async move {
        while let Some(question) = questions.recv().await {
            match question {
                Question::Apply { reply, .. } => {
                    let _ = reply.send(Err(std::io::ErrorKind::Unsupported.into()));
                }
                Question::Overview { reply } => {
                    let _ = reply.send(seen.lock().expect("whole").clone());
                }
                Question::Signal { instances, reply, .. } => {
                    let _ = reply.send(instances);
                }
                Question::Probe { reply, .. } => drop(reply),
                Question::Manner { reply, .. } => {
                    let _ = reply.send(Manner { env: vec!["A=1".to_owned()], identity: None });
                }
                Question::Command { command, reply } => {
                    let mut taken = taken.lock().expect("whole");
                    taken.push(command);
                    let sequence = seen.lock().expect("whole").sequence;
                    let _ = reply.send(Accepted { request: RequestId(taken.len() as u64), sequence });
                }
            }
        }
    });
    let (shutdown, shut) = oneshot::channel::<()>();
    let server = Server::new(handle, project);
    let server = tokio::spawn(server.serve(listener, async {
        let _ = shut.await;
    }));
    let socket = dir.path().join("sock");
    Bench { overview, commands, notices, socket, dir, shutdown: Some(shutdown), server, _driver: driver }
}

pub(crate) fn inactive(id: InstanceId) -> Seen {
    let view = View {
        instance: id,
        state: StateName::Inactive,
        wanted: false,
        explicit: false,
        ready: false,
        since: Moment::ZERO,
        cause: Cause::Initial,
        invocation: None,
        last_exit: None,
        next_run: None,
        runs: Vec::new(),
        restarts: 0,
        failures_in_a_row: 0,
        due: None,
        watch_paused: false,
        files_as_of: None,
        waits_for: Vec::new(),
        last_probe: None,
        status: None,
        took: None,
    };
    Seen {
        view,
        since: then(),
        due: None,
        next_run: None,
        runs: Vec::new(),
        pid: None,
        log: None,
        stderr_log: None,
        unwatched: None,
    }
}

/// Puts an instance into a state.
pub(crate) fn put(seen: &mut Seen, state: StateName, cause: Cause) {
    (seen.view.state, seen.view.cause) = (state, cause);
    seen.view.ready = state == StateName::Ready;
    seen.view.wanted = !matches!(state, StateName::Inactive | StateName::Disabled);
    if seen.view.ready {
        (seen.pid, seen.view.invocation) = (Some(4711), Some(Invocation(1)));
    }
}

/// Makes an instance wait for another.
pub(crate) fn wait(seen: &mut Seen, other: u32) {
    put(seen, StateName::Waiting, Cause::Request(RequestId(1)));
    seen.view.waits_for = vec![(InstanceId(other), Some(Condition::Ready))];
}

impl Bench {
    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.socket).await.expect("connects")
    }

    /// Changes what the driver answers.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<Seen>)) {
        change(&mut self.overview.lock().expect("whole").instances);
    }

    /// Lets something happen.
    pub(crate) fn happens(&self, event: Happening) {
        let mut overview = self.overview.lock().expect("whole");
        overview.sequence += 1;
        let notice =
            Notice { sequence: overview.sequence, at: then(), plan: Arc::clone(&overview.plan), event };
        self.notices.send(Arc::new(notice)).expect("the server listens");
    }

    pub(crate) fn becomes(&self, instance: u32, from: StateName, to: StateName, cause: Cause) {
        let instance = InstanceId(instance);
        self.happens(Happening::Transition(Transition { instance, from, to, cause, at: Moment::ZERO }));
    }

    pub(crate) fn request_ends(&self, request: u64, result: RequestResult) {
        self.happens(Happening::RequestEnded { request: RequestId(request), result });
    }

    /// Ends the server and waits until it has ended.
    pub(crate) async fn end(&mut self) {
        drop(self.shutdown.take());
        (&mut self.server).await.expect("no panic").expect("served");
    }
}

/// Sends bytes and returns everything that comes back until the server hangs up.
pub(crate) async fn raw(socket: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.expect("connects");
    stream.write_all(request).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8(answer).expect("UTF-8")
}

/// Asks with a method, a path and a body; returns the status and the body.
pub(crate) async fn ask(socket: &Path, method: &str, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: svc\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(socket, request.as_bytes()).await;
    let status = answer[9..12].parse().expect("a status");
    let body = answer.split_once("\r\n\r\n").expect("a body").1.to_owned();
    (status, body)
}
