//! What the engine wants, as system calls: one function an action.
//!
//! Nothing here waits or decides. What cannot even be begun comes back to the engine as the event it
//! would have got from the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use regex::bytes::Regex;

use crate::base::{Invocation, SharedStr, Signal, SpawnFailure, Stage};
use crate::engine::Event;
use crate::engine::action;
use crate::graph::InstanceId;
use crate::graph::plan::{Launch, Readiness, Socket, Wiring};
use crate::guard::protocol::{Grouping, Scope};
use crate::logs::Channel;
use crate::logs::file::FileError;
use crate::logs::pump::Pump;
use crate::logs::tap::Tap;
use crate::probe::{Class, Outcome, Probe};
use crate::runtime::driver::Driver;
use crate::runtime::errand::{Errand, Purpose};
use crate::runtime::launch::{Output, Process, log_key, log_settings, notify_key, output, ready_key, shares};
use crate::runtime::listen;
use crate::runtime::notify::{self, NotifySocket};
use crate::runtime::slot::{Fact, Slot, SlotKey, run_notify, run_ready};

impl Driver {
    /// Makes the process of an instance.
    pub(crate) fn launch(&mut self, instance: InstanceId, invocation: Invocation) {
        self.lives.begin(invocation, instance);
        self.slot(instance).life = Some(invocation);
        if let Err(failure) = self.try_launch(instance, invocation) {
            self.life_failed(invocation, failure);
        }
    }

    fn try_launch(&mut self, instance: InstanceId, invocation: Invocation) -> Result<(), SpawnFailure> {
        let plan = Arc::clone(&self.plan);
        let planned = plan.instance(instance);
        let launch = &*planned.launch;
        self.prepare_log(instance, launch)?;
        self.prepare_sockets(&planned.name, launch)?;
        let mut ready = None;
        let mut notify_path = None;
        match &launch.readiness {
            Some(Probe::Log(pattern)) => self.watch_log(instance, pattern),
            Some(Probe::Notify) => notify_path = Some(self.prepare_notify(instance, launch)?),
            Some(Probe::Fd(number)) => {
                let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
                    .map_err(|errno| failure(Stage::Descriptors, errno as i32))?;
                self.await_ready(instance, read).map_err(at(Stage::Descriptors))?;
                ready = Some((*number, write));
            }
            Some(Probe::Tcp(_) | Probe::Unix(_) | Probe::Http(_) | Probe::Exec(_) | Probe::File(_))
            | None => {}
        }
        let spawn = self.surroundings.spawn(Process {
            invocation,
            tag: planned.name.to_string(),
            argv: &launch.argv,
            launch,
            grouping: Grouping::Own { name: planned.name.as_bytes().to_vec(), shares: shares(launch) },
            output: output(launch, &planned.name),
            notify: notify_path.as_deref(),
            ready,
            sockets: listen::sockets(launch),
        })?;
        self.link.spawn(spawn).map_err(at(Stage::Fork))
    }

    /// Sees to the pipes and the files of an instance's output, so that a bad path is a failed launch
    /// and not a lost line.
    fn prepare_log(&mut self, instance: InstanceId, launch: &Launch) -> Result<(), SpawnFailure> {
        let name = self.plan.instance(instance).name.to_string();
        let wiring = launch.logs.wiring();
        if self.slots[instance.0 as usize].wiring != wiring {
            self.unwire(instance, &name);
        }
        for &channel in channels(wiring) {
            let key = self.pump_key(instance, channel);
            if self.pumps.get_mut(key).is_none() {
                let (read, both) = crate::sys::pipe::service_pipe().map_err(at(Stage::Log))?;
                self.link.keep(&log_key(&name, channel), both).map_err(at(Stage::Log))?;
                self.adopt_log(instance, launch, channel, read).map_err(at(Stage::Log))?;
            }
            let wall = self.clock.wall();
            let pump = self.pumps.get_mut(key).expect("was added above");
            pump.unwatch();
            // What still lies in the pipe belongs to the life before.
            let _report = pump.drain(wall);
            pump.end_line(wall);
            pump.open(wall).map_err(|error| failure(Stage::Log, errno_of(&error)))?;
        }
        Ok(())
    }

    /// Sees to the sockets that are passed to an instance; those it had before and has no more are closed.
    fn prepare_sockets(&mut self, name: &Arc<str>, launch: &Launch) -> Result<(), SpawnFailure> {
        let sockets = listen::sockets(launch);
        self.release_sockets(name, sockets);
        let owner = launch.user.as_ref().map(|user| (user.uid, user.gid));
        for Socket { address, .. } in sockets {
            if !self.listening.is_open(address) {
                let socket = listen::open(address, owner).map_err(at(Stage::Listen))?;
                let copy = socket.try_clone().map_err(at(Stage::Listen))?;
                self.link.keep(&listen::key(address), copy).map_err(at(Stage::Listen))?;
                self.listening.opened(address.clone(), socket);
            }
            self.listening.hold(address, name);
        }
        Ok(())
    }

    /// Closes the sockets of an instance but those it is still to have, unless another one has them too.
    pub(crate) fn release_sockets(&mut self, name: &str, but: &[Socket]) {
        for key in self.listening.release(name, but) {
            // A full queue means that the guard has not listened for a long time: it holds a socket more.
            let _ = self.link.drop_key(&key);
        }
    }

    /// Lets go of the pumps of an instance whose output goes another way from the next launch on.
    fn unwire(&mut self, instance: InstanceId, name: &str) {
        for channel in Channel::BOTH {
            if let Some(mut pump) = self.pumps.remove(self.pump_key(instance, channel)) {
                let wall = self.clock.wall();
                // Nothing of the life before is left to write more.
                let _ = pump.drain(wall);
                pump.end_line(wall);
                // A full queue means that the guard has not listened for a long time: it holds a pipe more.
                let _ = self.link.drop_key(&log_key(name, channel));
            }
        }
        self.slot(instance).wiring = None;
    }

    /// Begins to pump one pipe of an instance; that of stdout comes first.
    pub(crate) fn adopt_log(
        &mut self,
        instance: InstanceId,
        launch: &Launch,
        channel: Channel,
        read: OwnedFd,
    ) -> io::Result<()> {
        let name = &self.plan.instance(instance).name;
        let of = |channel| log_settings(launch, name, &self.state_dir, channel);
        let Some(settings) = of(channel).or_else(|| of(Channel::Out)) else { return Ok(()) };
        let mut pump = Pump::of(read, settings, channel);
        if launch.logs.wiring() == Some(Wiring::Joined) && channel == Channel::Err {
            let other = self.pumps.get_mut(self.pump_key(instance, Channel::Out));
            if let Some(shared) = other.and_then(|other| other.shared()) {
                pump.join(shared);
            }
        }
        pump.resume(self.clock.wall());
        let key = self.pump_key(instance, channel);
        self.pumps.add(key, pump)?;
        self.slot(instance).wiring = launch.logs.wiring();
        // A pipe that was taken over may already hold output.
        self.pumps_due.set(Some(Duration::ZERO))
    }

    /// Watches an instance's output for the line its readiness waits for.
    pub(crate) fn watch_log(&mut self, instance: InstanceId, pattern: &str) {
        let pattern = Regex::new(pattern).expect("the pattern was compiled when the plan was made");
        for channel in Channel::BOTH {
            if let Some(pump) = self.pumps.get_mut(self.pump_key(instance, channel)) {
                pump.watch(Tap::new(pattern.clone()));
            }
        }
    }

    /// Sees to the notify socket of an instance and returns where it is.
    fn prepare_notify(
        &mut self,
        instance: InstanceId,
        launch: &Launch,
    ) -> Result<std::path::PathBuf, SpawnFailure> {
        let name = self.plan.instance(instance).name.to_string();
        let path = notify::path(&self.notify_folder, &name);
        if self.slot(instance).notify.is_none() {
            let descriptors = at(Stage::Descriptors);
            let owner = launch.user.as_ref().map(|user| (user.uid, user.gid));
            let socket = notify::make_folder(&self.notify_folder)
                .and_then(|()| NotifySocket::bind(&path, owner))
                .map_err(&descriptors)?;
            let copy = socket.copy().map_err(&descriptors)?;
            self.link.keep(&notify_key(&name), copy).map_err(&descriptors)?;
            self.adopt_notify(instance, socket);
        }
        Ok(path)
    }

    /// Begins to listen on an instance's notify socket.
    pub(crate) fn adopt_notify(&mut self, instance: InstanceId, socket: NotifySocket) {
        let socket = Rc::new(socket);
        let (facts, listening) = (self.facts.clone(), Rc::clone(&socket));
        let key = self.slot(instance).key;
        let task = self.tasks.spawn_local(async move {
            // A socket that fails says nothing more: the start timeout of its service speaks then.
            let _ = run_notify(key, listening, facts).await;
        });
        let slot = self.slot(instance);
        slot.notify = Some(socket);
        slot.notify_task = Some(task);
    }

    /// Waits for a line on a readiness descriptor, whose other end the service gets.
    fn await_ready(&mut self, instance: InstanceId, read: OwnedFd) -> io::Result<()> {
        crate::sys::socket::set_nonblocking(&read)?;
        let name = self.plan.instance(instance).name.to_string();
        self.link.keep(&ready_key(&name), read.try_clone()?)?;
        self.adopt_ready(instance, read);
        Ok(())
    }

    /// Goes on waiting for a line on a readiness descriptor.
    pub(crate) fn adopt_ready(&mut self, instance: InstanceId, read: OwnedFd) {
        let Some(invocation) = self.slot(instance).life else { return };
        let facts = self.facts.clone();
        let task = self.tasks.spawn_local(async move {
            if let Ok(true) = run_ready(read).await {
                // The driver owns the receiver and ends after its tasks.
                let _ = facts.send(Fact::Event(Event::Ready { invocation })).await;
            }
        });
        if let Some(earlier) = self.slot(instance).ready_task.replace(task) {
            earlier.abort();
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&mut self, invocation: Invocation, signal: Signal, scope: action::Scope) {
        let scope = match scope {
            action::Scope::Main => Scope::Main,
            action::Scope::Group => Scope::Group,
            action::Scope::Everything => Scope::Everything,
        };
        self.send_signal(invocation, signal, scope);
    }

    pub(crate) fn send_signal(&mut self, invocation: Invocation, signal: Signal, scope: Scope) {
        // A full queue means that the guard has not listened for a long time; the engine repeats a
        // SIGKILL, and everything before it.
        let _ = self.link.signal(invocation, signal, scope);
    }

    /// Runs the stop command of an instance; its time is bounded by the grace period.
    pub(crate) fn stop_command(&mut self, instance: InstanceId, invocation: Invocation) {
        let launch = Arc::clone(&self.plan.instance(instance).launch);
        let argv = launch.stop_command.as_ref().map_or(&[][..], |command| &command.argv);
        let name = self.plan.instance(instance).name.to_string();
        let output = output(&launch, &name);
        self.begin_errand(
            instance,
            argv,
            output,
            None,
            Errand { purpose: Purpose::Stop, about: invocation, output: None, timer: None },
        );
    }

    /// Makes one attempt of a probe.
    pub(crate) fn probe(&mut self, instance: InstanceId, invocation: Invocation, class: Class) {
        let launch = Arc::clone(&self.plan.instance(instance).launch);
        let rules = self.plan.rules(instance);
        let (probe, schedule) = match (class, rules.readiness) {
            (Class::Readiness, Readiness::Probed(schedule)) => (&launch.readiness, Some(schedule)),
            (Class::Readiness, Readiness::Started | Readiness::Announced) => (&None, None),
            (Class::Startup, _) => (&launch.startup, rules.startup),
            (Class::Liveness, _) => (&launch.liveness, rules.liveness),
        };
        let limit = schedule.map_or(Duration::from_secs(1), |schedule| schedule.timeout);
        match probe {
            Some(Probe::Exec(exec)) => {
                self.probe_by_command(instance, invocation, class, &exec.argv, limit);
            }
            Some(probe) => {
                let (probe, facts) = (probe.clone(), self.facts.clone());
                self.tasks.spawn_local(async move {
                    let answered = tokio::time::timeout(limit, attempt(&probe)).await;
                    let outcome = answered.unwrap_or_else(|_| Outcome::failed("no answer in time"));
                    let event = Event::ProbeFinished { invocation, class, outcome };
                    // The driver owns the receiver and ends after its tasks.
                    let _ = facts.send(Fact::Event(event)).await;
                });
            }
            None => {
                let outcome = Outcome::failed("there is no such probe");
                self.pending.push_back(Event::ProbeFinished { invocation, class, outcome });
            }
        }
    }

    fn probe_by_command(
        &mut self,
        instance: InstanceId,
        about: Invocation,
        class: Class,
        argv: &[SharedStr],
        limit: Duration,
    ) {
        let purpose = Purpose::Probe(class);
        match crate::sys::pipe::service_pipe() {
            Ok((read, both)) => {
                let errand = Errand { purpose, about, output: Some(read), timer: None };
                self.begin_errand(instance, argv, Output::Pipe(both), Some(limit), errand);
            }
            Err(error) => {
                let failed = Errand { purpose, about, output: None, timer: None };
                self.pending.extend(failed.failed(at(Stage::Descriptors)(error)));
            }
        }
    }

    pub(crate) fn begin_errand(
        &mut self,
        instance: InstanceId,
        argv: &[SharedStr],
        output: Output,
        limit: Option<Duration>,
        mut errand: Errand,
    ) {
        let number = self.errands.number();
        let planned = Arc::clone(&self.plan.instance(instance).launch);
        let spawn = self.surroundings.spawn(Process {
            invocation: number,
            tag: String::new(),
            argv,
            launch: &planned,
            grouping: Grouping::Under(errand.about),
            output,
            notify: None,
            ready: None,
            sockets: &[],
        });
        let asked = spawn.and_then(|spawn| self.link.spawn(spawn).map_err(at(Stage::Fork)));
        if let Err(failure) = asked {
            self.pending.extend(errand.failed(failure));
            return;
        }
        errand.timer = limit.map(|limit| {
            let facts = self.facts.clone();
            self.tasks.spawn_local(async move {
                tokio::time::sleep(limit).await;
                // The driver owns the receiver and ends after its tasks.
                let _ = facts.send(Fact::ErrandLate { errand: number }).await;
            })
        });
        self.errands.begin(number, errand);
    }

    pub(crate) fn slot(&mut self, instance: InstanceId) -> &mut Slot {
        &mut self.slots[instance.0 as usize]
    }

    /// Returns the number that the pump of one output of an instance is known by.
    fn pump_key(&self, instance: InstanceId, channel: Channel) -> u64 {
        self.slots[instance.0 as usize].key.pump(channel)
    }

    /// Returns the instance whose slot has this number; `None` when it is gone.
    pub(crate) fn place(&self, key: SlotKey) -> Option<InstanceId> {
        self.places.get(&key).copied()
    }
}

/// Makes one attempt of a probe that needs no process.
pub(crate) async fn attempt(probe: &Probe) -> Outcome {
    match probe {
        Probe::Tcp(address) => crate::probe::tcp::attempt(address).await,
        Probe::Unix(path) => crate::probe::unix::attempt(path).await,
        Probe::Http(http) => crate::probe::http::attempt(http).await,
        Probe::File(path) => crate::probe::file::attempt(path),
        Probe::Notify | Probe::Fd(_) | Probe::Log(_) | Probe::Exec(_) => {
            Outcome::failed("the service announces it itself")
        }
    }
}

fn failure(stage: Stage, errno: i32) -> SpawnFailure {
    SpawnFailure { stage, errno }
}

/// Turns an error of the kernel into the failure of a stage.
fn at(stage: Stage) -> impl Fn(io::Error) -> SpawnFailure {
    move |error| failure(stage, error.raw_os_error().unwrap_or(Errno::EAGAIN as i32))
}

fn errno_of(error: &FileError) -> i32 {
    match error {
        FileError::Directory { source, .. } => source.raw_os_error().unwrap_or(Errno::EIO as i32),
        FileError::Open { source, .. }
        | FileError::Write { source, .. }
        | FileError::Rotate { source, .. } => source.raw_os_error(),
        FileError::NotAFile { .. } => Errno::EINVAL as i32,
        FileError::Foreign { .. } => Errno::EPERM as i32,
    }
}

/// Returns which outputs have a pipe.
pub(crate) fn channels(wiring: Option<Wiring>) -> &'static [Channel] {
    match wiring {
        None => &[],
        Some(Wiring::Together) => &[Channel::Out],
        Some(Wiring::Apart | Wiring::Joined) => &Channel::BOTH,
    }
}
