//! A project in a temporary folder, with directories of its own for sockets and logs, and the real
//! binary to run on it. Dropping it stops everything it started.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start the binary as a user does, and wait with a limit"
)]

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The binary under test.
pub(crate) const SVC: &str = env!("CARGO_BIN_EXE_svc");

/// The longest any one command of a test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A project in a temporary folder.
pub(crate) struct TempProject {
    folder: TempDir,
    /// Runs everything as this user, when set.
    user: Option<u32>,
}

/// What a finished command said.
#[derive(Debug)]
#[must_use = "look at what it said or how it ended"]
pub(crate) struct Finished {
    /// Its exit code; 128 + n for signal n.
    pub(crate) code: i32,
    /// What it wrote to stdout.
    pub(crate) out: String,
    /// What it wrote to stderr.
    pub(crate) err: String,
}

impl TempProject {
    /// Makes a project with this service file.
    pub(crate) fn new(services: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder"), user: None };
        project.write("services.kdl", services);
        project
    }

    /// Makes a project out of a copy of a folder.
    pub(crate) fn copy_of(folder: &Path) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder"), user: None };
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let entry = entry.expect("readable");
            if entry.file_type().expect("known").is_file() {
                fs::copy(entry.path(), project.path(entry.file_name())).expect("copied");
            }
        }
        project
    }

    /// Lets everything run as this user, who gets the project's folder.
    pub(crate) fn owned_by(mut self, uid: u32) -> Self {
        self.user = Some(uid);
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(path) = folders.pop() {
            nix::unistd::chown(&path, Some(uid.into()), Some(uid.into())).expect("root may");
            if path.is_dir() {
                folders.extend(
                    fs::read_dir(&path).expect("readable").map(|entry| entry.expect("readable").path()),
                );
            }
        }
        self
    }

    /// Returns a path in the project's folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// Reads a file of the project; empty when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Prepares a call of svc in the project's folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(SVC);
        command.args(args);
        command
    }

    /// Prepares a call of any program in the project's folder, where svc keeps everything too.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("SVC_RUNTIME_DIR", self.path(".run"))
            .env("SVC_STATE_DIR", self.path(".state"))
            .env_remove("SVC_FILE")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(uid) = self.user {
            command.uid(uid).gid(uid);
        }
        command
    }

    /// Calls svc and waits for its end.
    pub(crate) fn svc(&self, args: &[&str]) -> Finished {
        finish(self.command(args).spawn().expect("svc starts"))
    }

    /// Calls svc, expects success and returns what it wrote to stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let finished = self.svc(args);
        assert_eq!(finished.code, 0, "svc {args:?} failed: {finished:#?}\n{}", self.own_log());
        finished.out
    }

    /// Returns what `svc ps -o json` says, as JSON.
    pub(crate) fn ps(&self) -> serde_json::Value {
        let finished = self.svc(&["ps", "-a", "-o", "json"]);
        // 3 says that something is not up.
        assert!([0, 3].contains(&finished.code), "{finished:#?}\n{}", self.own_log());
        serde_json::from_str(&finished.out).expect("ps writes JSON")
    }

    /// Returns one instance of `ps`.
    pub(crate) fn instance(&self, name: &str) -> serde_json::Value {
        let all = self.ps();
        let found = all["instances"].as_array().expect("a list").iter().find(|s| s["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {all:#}")).clone()
    }

    /// Returns the main process of an instance.
    pub(crate) fn pid(&self, name: &str) -> i32 {
        let instance = self.instance(name);
        i32::try_from(instance["pid"].as_i64().unwrap_or_else(|| panic!("{name} runs: {instance:#}")))
            .expect("a pid")
    }

    /// Returns the engine process; `None` while there is none.
    pub(crate) fn engine(&self) -> Option<i32> {
        let is_engine = |pid: &i32| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"svc\0--engine\0"))
        };
        self.processes().into_iter().find(is_engine)
    }

    /// Returns the guard process: the parent of the engine.
    pub(crate) fn guard(&self) -> nix::unistd::Pid {
        let parent = fs::read_to_string(format!("/proc/{}/stat", self.engine().expect("it runs")));
        let parent = parent.expect("it runs");
        let fields = parent.rsplit_once(')').expect("the name is in brackets").1;
        let parent = fields.split_whitespace().nth(1).expect("the parent follows the state");
        nix::unistd::Pid::from_raw(parent.parse().expect("a number"))
    }

    /// Returns the supervisor's own messages.
    pub(crate) fn own_log(&self) -> String {
        let folders = fs::read_dir(self.path(".state")).into_iter().flatten().flatten();
        folders.filter_map(|entry| fs::read_to_string(entry.path().join("svc.log")).ok()).collect()
    }

    /// Asserts that nothing of the project runs any more.
    pub(crate) fn assert_nothing_is_left(&self) {
        let left: Vec<String> = self.processes().into_iter().map(describe).collect();
        assert!(left.is_empty(), "still running: {left:#?}");
    }

    /// Returns the process ids of everything that belongs to the project: all processes that work in its
    /// folder, or whose environment or command line names it. Some daemons write over their environment.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let folder = self.folder.path().as_os_str().as_encoded_bytes().to_owned();
        let holds =
            |file: PathBuf| fs::read(file).is_ok_and(|bytes| memchr::memmem::find(&bytes, &folder).is_some());
        let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let proc = PathBuf::from(format!("/proc/{pid}"));
            *pid != std::process::id().cast_signed()
                && (holds(proc.join("environ")) || holds(proc.join("cmdline")))
        })
        .collect()
    }
}

impl Drop for TempProject {
    fn drop(&mut self) {
        // What a failed test left is killed by pid; the folder's name is in every environment.
        for pid in self.processes() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        for pid in self.processes() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// Returns a port nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}

/// Shows a process: its number, state and command line.
fn describe(pid: i32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let state = read("status").lines().find(|line| line.starts_with("State")).unwrap_or_default().to_owned();
    format!("{pid} {state} {}", read("cmdline").replace('\0', " "))
}

/// Waits for the end of a process, within the limit, and takes what it said.
pub(crate) fn finish(child: Child) -> Finished {
    finish_within(child, LIMIT)
}

/// Waits for the end of a process within this time, and takes what it said.
pub(crate) fn finish_within(mut child: Child, limit: Duration) -> Finished {
    // Both streams are read while it runs, so that it never waits for a full pipe.
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    std::thread::scope(|scope| {
        let out = scope.spawn(move || text_of(&mut out));
        let err = scope.spawn(move || text_of(&mut err));
        let (done, watch) = std::sync::mpsc::channel::<()>();
        let watchdog = scope.spawn(move || {
            if watch.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
        });
        let status = child.wait().expect("waited");
        let _ = done.send(());
        watchdog.join().expect("the watchdog ends");
        let code = std::os::unix::process::ExitStatusExt::signal(&status)
            .map_or_else(|| status.code().expect("a code or a signal"), |signal| 128 + signal);
        Finished { code, out: out.join().expect("read"), err: err.join().expect("read") }
    })
}

fn text_of(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until something holds, for at most the limit; for what gives no event to wait for.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{what} did not happen within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Finished {
    /// Asserts the exit code and returns itself.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}
