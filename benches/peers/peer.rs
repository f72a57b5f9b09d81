//! The peers: how each is told what to run, started, asked and stopped.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::Bench;
use crate::reports::{Reports, now};

/// Who runs the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A loop of `posix_spawn`; `cat` for output.
    Bare,
    /// Debian's `supervisor`.
    Supervisord,
    /// svc.
    Svc,
}

/// What one peer is to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    /// Each one's name (`s0`, `s1`, …) is its place; these are its arguments after the name.
    pub(crate) args: Vec<String>,
    /// What each waits for, by place; empty when nothing waits.
    pub(crate) needs: Vec<Vec<usize>>,
    /// Whether output is kept.
    pub(crate) captured: bool,
}

impl Services {
    /// As many that only pause.
    pub(crate) fn pausing(count: usize, captured: bool) -> Self {
        Self::all(count, "", captured)
    }

    /// As many that do the same.
    pub(crate) fn all(count: usize, args: &str, captured: bool) -> Self {
        Self { args: vec![args.to_owned(); count], needs: Vec::new(), captured }
    }
}

/// A peer that runs. It is stopped when it is dropped.
pub(crate) struct Running<'a> {
    bench: &'a Bench,
    peer: Peer,
    dir: PathBuf,
    pub(crate) reports: Reports,
    /// When it was started, by the clock of the reports.
    pub(crate) begin: f64,
    /// The children of this process: services and `cat`s, or supervisord.
    children: Vec<Child>,
    /// What of them is `cat`.
    cats: Vec<u32>,
    stopped: bool,
}

impl<'a> Running<'a> {
    /// Starts a peer; returns before its services are up.
    pub(crate) fn start(bench: &'a Bench, peer: Peer, services: &Services) -> Self {
        let dir = bench.folder();
        let reports = Reports::new(dir.join("fifo"));
        let mut running = Self {
            bench,
            peer,
            dir,
            reports,
            begin: 0.0,
            children: Vec::new(),
            cats: Vec::new(),
            stopped: false,
        };
        match peer {
            Peer::Bare => running.spawn_all(services),
            Peer::Supervisord => running.supervisord(services),
            Peer::Svc => running.svc(services),
        }
        running
    }

    /// Starts a peer and waits until all services have reported their first instruction.
    pub(crate) fn up(bench: &'a Bench, peer: Peer, services: &Services) -> Self {
        let mut running = Self::start(bench, peer, services);
        running.reports.collect('S', services.args.len());
        running
    }

    /// Returns the processes on the supervisor's side.
    pub(crate) fn pids(&self) -> Vec<u32> {
        match self.peer {
            Peer::Bare => self.cats.clone(),
            Peer::Supervisord => self.children.iter().map(Child::id).collect(),
            Peer::Svc => {
                let answer = get(&self.socket(), "/v1/project");
                let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer in JSON");
                let pid = |key: &str| answer[key].as_u64().expect("a process id") as u32;
                vec![pid("guard_pid"), pid("engine_pid")]
            }
        }
    }

    /// Returns where its API is.
    pub(crate) fn socket(&self) -> PathBuf {
        if self.peer == Peer::Supervisord {
            return self.dir.join("sock");
        }
        let mut projects = std::fs::read_dir(self.dir.join("run")).expect("svc has made it").flatten();
        let project = projects.find(|entry| entry.path().extension().is_none());
        project.expect("svc has a folder for its project").path().join("sock")
    }

    /// Makes the command that shows all services, if the peer has one.
    pub(crate) fn ps(&self) -> Option<Command> {
        let mut command = match self.peer {
            Peer::Bare => return None,
            Peer::Supervisord => Command::new("supervisorctl"),
            Peer::Svc => self.verb("ps"),
        };
        if self.peer == Peer::Supervisord {
            command.arg("-c").arg(self.dir.join("conf")).arg("status");
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Some(command)
    }

    /// Stops everything; returns how long that took, in seconds.
    pub(crate) fn stop(mut self) -> f64 {
        self.stop_all()
    }

    /// Starts a service of the bare system anew, after its process was killed.
    pub(crate) fn spawn_again(&mut self, pid: u32, name: &str) {
        if self.peer == Peer::Bare {
            let mut command = self.tiny(name, "");
            let dead = self.children.iter_mut().find(|child| child.id() == pid).expect("one of ours");
            dead.wait().expect("a child");
            *dead = command.spawn().expect("tiny can be run");
        }
    }

    fn stop_all(&mut self) -> f64 {
        self.stopped = true;
        let begin = now();
        match self.peer {
            Peer::Svc => {
                let down = self.verb("down").arg("-q").status();
                assert!(
                    down.is_ok_and(|status| status.success()),
                    "svc down failed in {}",
                    self.dir.display()
                );
            }
            Peer::Bare | Peer::Supervisord => {
                self.children.iter().for_each(|child| send(child.id(), Signal::SIGTERM));
                self.children.iter_mut().for_each(|child| drop(child.wait()));
            }
        }
        now() - begin
    }

    fn tiny(&self, name: &str, args: &str) -> Command {
        let mut command = Command::new(&self.bench.tiny);
        command.arg(&self.reports.path).arg(name).args(args.split_whitespace()).stdin(Stdio::null());
        command
    }

    fn spawn_all(&mut self, services: &Services) {
        let writes = services.args.iter().any(|args| args.starts_with("flood") || args.starts_with("pace"));
        self.begin = now();
        for (place, args) in services.args.iter().enumerate() {
            let mut command = self.tiny(&format!("s{place}"), args);
            if services.captured {
                command.stdout(Stdio::piped());
            }
            let mut child = command.spawn().expect("tiny can be run");
            if writes {
                let log = File::create(self.dir.join(format!("{place}.log"))).expect("the tmpfs has room");
                let pipe = child.stdout.take().expect("it was asked for");
                let cat = Command::new("cat").stdin(pipe).stdout(log).spawn().expect("cat is there");
                self.cats.push(cat.id());
                self.children.push(cat);
            }
            self.children.push(child);
        }
    }

    fn supervisord(&mut self, services: &Services) {
        let dir = self.dir.display();
        let mut text = format!(
            "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={dir}/pid\n\
             [unix_http_server]\nfile={dir}/sock\n[supervisorctl]\nserverurl=unix://{dir}/sock\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        );
        for (place, args) in services.args.iter().enumerate() {
            let log = if services.captured { format!("{dir}/{place}.log") } else { "NONE".to_owned() };
            let (tiny, fifo) = (self.bench.tiny.display(), self.reports.path.display());
            writeln!(
                text,
                "[program:s{place}]\ncommand={tiny} {fifo} s{place} {args}\nautorestart=true\nredirect_stderr=true\n\
                 stdout_logfile={log}\nstdout_logfile_maxbytes=10MB\nstdout_logfile_backups=5"
            )
            .expect("a text grows");
        }
        let conf = self.dir.join("conf");
        std::fs::write(&conf, text).expect("the tmpfs has room");
        self.begin = now();
        let mut command = Command::new("supervisord");
        command.arg("-c").arg(&conf).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(command.spawn().expect("it is on this machine"));
    }

    fn svc(&mut self, services: &Services) {
        let mut text = String::new();
        let (tiny, fifo) = (self.bench.tiny.display(), self.reports.path.display());
        for (place, args) in services.args.iter().enumerate() {
            let args: String = args.split_whitespace().map(|word| format!(" \"{word}\"")).collect();
            writeln!(text, "service \"s{place}\" {{\n    command \"{tiny}\" \"{fifo}\" \"s{place}\"{args}")
                .expect("a text grows");
            text.push_str("    restart always\n    backoff \"0s\"\n");
            text.push_str(if services.captured {
                "    logs max-size=\"10M\" keep=5\n"
            } else {
                "    logs none\n"
            });
            if let Some(needs) = services.needs.get(place) {
                text.push_str("    readiness fd=3\n");
                needs.iter().for_each(|need| {
                    writeln!(text, "    depends-on \"s{need}\"").expect("a text grows");
                });
            }
            text.push_str("}\n");
        }
        std::fs::write(self.dir.join("services.kdl"), text).expect("the tmpfs has room");
        let mut up = self.verb("up");
        up.args(["-q", "-d", "--no-wait"]);
        self.begin = now();
        assert!(up.status().is_ok_and(|status| status.success()), "svc up failed in {}", self.dir.display());
    }

    fn verb(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.bench.svc);
        command.current_dir(&self.dir).arg(verb);
        command.env("SVC_RUNTIME_DIR", self.dir.join("run")).env("SVC_STATE_DIR", self.dir.join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.stopped {
            self.stop_all();
        }
        // Gigabytes of logs would fill the memory.
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// Sends a signal; whoever is gone has no need of it.
pub(crate) fn send(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}

/// Asks an API once and returns the body of the answer.
pub(crate) fn get(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("more than zero");
    let asked = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}
