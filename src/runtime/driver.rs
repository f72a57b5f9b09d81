//! The loop: one fact at a time goes into the engine, and what comes out is carried out.
//!
//! The driver owns all state of the engine process; tasks and operators send it messages. The order
//! of one turn is fixed: the fact is handled, what changed is journalled, then the actions are
//! carried out, then the guard may forget the fact. A kill between any two of these loses nothing:
//! the next engine replays the fact or finds the action undone.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinSet, LocalSet};

use crate::base::Signal;
use crate::engine::{Action, Command, Engine, Event, RequestId};
use crate::graph::{InstanceId, Plan};
use crate::guard::client::GuardLink;
use crate::guard::protocol::{self, Groups, Message};
use crate::logs::Channel;
use crate::logs::Pumps;
use crate::runtime::change::Versions;
use crate::runtime::clock::{Clock, Setting};
use crate::runtime::errand::Errands;
use crate::runtime::handle::{Accepted, Happening, Notice, Overview, Question, Seen, SeenRun};
use crate::runtime::journal::Journal;
use crate::runtime::launch::{Surroundings, log_settings};
use crate::runtime::listen::Listening;
use crate::runtime::lives::Lives;
use crate::runtime::project::Project;
use crate::runtime::slot::{Fact, Slot, SlotKey};
use crate::runtime::watch::Watches;
use crate::sys::watch::{Alarm, ClockWatch, Watched};

/// How many facts of the tasks may wait; past that, the tasks wait.
pub(crate) const FACTS: usize = 1024;

/// Everything the engine process is made of.
pub struct Driver {
    pub(crate) plan: Arc<Plan>,
    pub(crate) engine: Engine,
    pub(crate) link: GuardLink,
    /// The link's socket, to wait on.
    pub(crate) link_ready: Watched,
    pub(crate) clock: Clock,
    /// How the engine knows the wall clock to be set; `None` before it was told.
    pub(crate) told: Option<Setting>,
    /// Rings when the wall clock is set.
    pub(crate) clock_set: ClockWatch,
    pub(crate) surroundings: Surroundings,
    pub(crate) notify_folder: PathBuf,
    pub(crate) state_dir: PathBuf,
    pub(crate) slots: Vec<Slot>,
    /// Sockets that are open for services.
    pub(crate) listening: Listening,
    /// Where the slot with a number stands now.
    pub(crate) places: BTreeMap<SlotKey, InstanceId>,
    /// Whose supervision it is.
    pub(crate) project: Project,
    /// The plan that is to come, while it is being applied, and the one before, while it may come back.
    pub(crate) versions: Versions,
    pub(crate) lives: Lives,
    /// What the guard can do with control groups.
    pub(crate) groups: Groups,
    pub(crate) errands: Errands,
    /// The pumps of all logs, each under the number of its instance.
    pub(crate) pumps: Pumps,
    /// Readable when a pipe is.
    pub(crate) output: Watched,
    /// Rings when the pumps want their next turn, whether anything is readable or not.
    pub(crate) pumps_due: Alarm,
    /// The files that instances watch.
    pub(crate) watches: Watches,
    /// The tasks of the slots and probes; they end with the driver.
    pub(crate) tasks: JoinSet<()>,
    pub(crate) facts: mpsc::Sender<Fact>,
    /// Facts that arose while others were handled.
    pub(crate) pending: VecDeque<Event>,
    pub(crate) arriving: mpsc::Receiver<Fact>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) notices: broadcast::Sender<Arc<Notice>>,
    pub(crate) sequence: u64,
    pub(crate) next_request: u64,
    pub(crate) journal: Journal,
    pub(crate) since: Timestamp,
    pub(crate) fingerprint: u64,
    /// The exit code of the project, once everything is down.
    pub(crate) ended: Option<Option<u8>>,
    /// What the guard kept for an engine before this one, until it is taken up.
    pub(crate) kept: BTreeMap<Vec<u8>, OwnedFd>,
}

/// Everything is down, and the guard waits for its last word.
pub struct Finished {
    link: GuardLink,
    link_ready: Watched,
    code: Option<u8>,
}

/// What wakes the driver.
enum Wake {
    Guard,
    Fact(Fact),
    Output,
    Question(Question),
    /// A task has ended; it has said what it had to say.
    Task,
    /// Something happened in a folder that is watched.
    Files,
    /// The wall clock was set, or the machine has slept.
    Clock,
    Time,
}

impl Driver {
    /// Runs until everything is down.
    ///
    /// # Errors
    ///
    /// When the guard is gone or its socket fails, or the journal cannot be written.
    pub async fn run(mut self) -> io::Result<Finished> {
        let code = LocalSet::new().run_until(self.run_here()).await?;
        Ok(Finished { link: self.link, link_ready: self.link_ready, code })
    }

    async fn run_here(&mut self) -> io::Result<Option<u8>> {
        self.resume_tasks();
        // What came together with the last word about what is held does not wake anybody again.
        self.hear_guard()?;
        self.handle_all()?;
        loop {
            if let Some(code) = self.ended {
                self.finish();
                return Ok(code);
            }
            match self.wait().await? {
                Wake::Guard => self.hear_guard()?,
                Wake::Fact(fact) => self.hear_task(fact),
                Wake::Question(question) => self.answer(question),
                Wake::Output => self.turn_pumps()?,
                Wake::Files => self.hear_files(),
                Wake::Task | Wake::Clock => {}
                Wake::Time => self.time_passed(),
            }
            self.handle_all()?;
        }
    }

    /// Waits for the next thing to do. The guard comes first: what is known to have ended must not be
    /// acted on by a timer that fell due in the same instant.
    async fn wait(&mut self) -> io::Result<Wake> {
        let deadline = [self.engine.next_deadline(), self.watches.due()].into_iter().flatten().min();
        let deadline = deadline.map(|at| self.clock.instant_of(at));
        let sleep = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let wants_write = self.link.wants_write();
        tokio::select! {
            biased;
            ready = self.link_ready.readable() => ready.map(|()| Wake::Guard),
            ready = self.link_ready.writable(), if wants_write => ready.map(|()| Wake::Guard),
            Some(fact) = self.arriving.recv() => Ok(Wake::Fact(fact)),
            Some(question) = self.questions.recv() => Ok(Wake::Question(question)),
            ready = self.output.readable() => ready.map(|()| Wake::Output),
            rested = self.pumps_due.rung() => rested.map(|()| Wake::Output),
            Some(_ended) = self.tasks.join_next() => Ok(Wake::Task),
            ready = self.watches.readable() => ready.map(|()| Wake::Files),
            set = self.clock_set.was_set() => set.map(|()| Wake::Clock),
            () = sleep => Ok(Wake::Time),
        }
    }

    /// Takes everything the guard has to say.
    fn hear_guard(&mut self) -> io::Result<()> {
        let mut last = None;
        while let Some(message) = self.link.recv()? {
            if let Message::Event { number, event } = message {
                self.hear_event(event);
                self.handle_all()?;
                last = Some(number);
            }
        }
        if let Some(up_to) = last {
            self.link.ack(up_to)?;
        }
        self.flush()
    }

    fn hear_event(&mut self, event: protocol::Event<OwnedFd>) {
        match event {
            protocol::Event::Spawned { invocation, pid, pidfd } => self.life_began(invocation, pid, pidfd),
            protocol::Event::SpawnFailed { invocation, failure } => self.life_failed(invocation, failure),
            protocol::Event::Exited { invocation, exit, stragglers } => {
                // What the process said before it ended counts as said in its life.
                while let Ok(fact) = self.arriving.try_recv() {
                    self.hear_task(fact);
                }
                self.life_ended(invocation, exit, stragglers);
            }
            protocol::Event::Emptied { invocation } => self.life_emptied(invocation),
            protocol::Event::SignalReceived { signal } => self.hear_signal(signal),
        }
    }

    /// A signal to the supervisor as a whole: an ordered stop, shortened by a second one; `SIGQUIT`
    /// stops at once. `SIGHUP` applies the service file.
    fn hear_signal(&mut self, signal: Signal) {
        let kill = match signal {
            Signal::TERM | Signal::INT => false,
            Signal::QUIT => true,
            Signal::HUP => return self.apply_file(),
            _ => return,
        };
        let request = self.number();
        self.pending.push_back(Event::Command { request, command: Command::Shutdown { kill } });
    }

    fn hear_task(&mut self, fact: Fact) {
        match fact {
            Fact::Event(event) => self.pending.push_back(event),
            Fact::Said { key, sender, said } => {
                if let Some(instance) = self.place(key) {
                    self.hear_service(instance, sender, said);
                }
            }
            Fact::ErrandLate { errand } => self.errand_late(errand),
        }
    }

    fn answer(&mut self, question: Question) {
        // Whoever asked may have gone; what was asked for is done all the same.
        match question {
            Question::Command { command, reply } => {
                let request = self.number();
                let _ = reply.send(Accepted { request, sequence: self.sequence });
                self.pending.push_back(Event::Command { request, command });
            }
            Question::Apply { proposal, start, rollback, reply } => {
                let _ = reply.send(self.apply(proposal, start, rollback));
            }
            Question::Signal { instances, signal, scope, reply } => {
                let _ = reply.send(self.signal_by_hand(&instances, signal, scope));
            }
            Question::Probe { instance, class, reply } => self.probe_by_hand(instance, class, reply),
            Question::Manner { instance, reply } => {
                let _ = reply.send(self.manner(instance));
            }
            Question::Overview { reply } => {
                let _ = reply.send(self.overview());
            }
        }
    }

    pub(crate) fn number(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Handles what is pending, and whatever arises from that.
    fn handle_all(&mut self) -> io::Result<()> {
        self.tell_the_clock();
        while let Some(event) = self.pending.pop_front() {
            if let Event::ReloadFinished { invocation, failure } = &event
                && let Some(instance) = self.lives.instance(*invocation)
            {
                self.publish(Happening::Reloaded { instance, failure: failure.clone() });
            }
            let actions = self.engine.handle(self.clock.now(), event);
            let plan = Arc::clone(self.engine.plan());
            self.journal.write(&plan, &mut self.engine)?;
            for action in actions {
                self.carry_out(action)?;
            }
        }
        self.flush()
    }

    /// Tells the engine how the wall clock is set, before anything else is done by it.
    fn tell_the_clock(&mut self) {
        let setting = self.clock.setting();
        if self.told.is_none_or(|told| told.differs(setting)) {
            self.told = Some(setting);
            self.pending.push_front(Event::Clock { shows: self.clock.zoned() });
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.link.flush().map(drop)
    }

    /// Carries out one action. Nothing here waits; what cannot even be begun comes back as an event.
    fn carry_out(&mut self, action: Action) -> io::Result<()> {
        match action {
            Action::Launch { instance, invocation } => self.launch(instance, invocation),
            Action::Signal { invocation, signal, scope } => self.signal(invocation, signal, scope),
            Action::StopCommand { instance, invocation } => self.stop_command(instance, invocation),
            Action::Probe { instance, invocation, class } => self.probe(instance, invocation, class),
            Action::Reload { instance, invocation } => self.reload(instance, invocation),
            Action::WatchPaused { instance, path } => {
                self.publish(Happening::WatchPaused { instance, path: path.to_string() });
            }
            Action::Notice(transition) => {
                if transition.to.is_over() {
                    let name = Arc::clone(&self.plan.instance(transition.instance).name);
                    self.release_sockets(&name, &[]);
                }
                self.publish(Happening::Transition(transition));
            }
            Action::RequestEnded { request, result } => {
                self.publish(Happening::RequestEnded { request, result });
            }
            Action::End { code } => self.ended = Some(code),
            Action::PlanChanged { plan, change } => self.plan_changed(plan, &change)?,
        }
        Ok(())
    }

    pub(crate) fn publish(&mut self, event: Happening) {
        self.sequence += 1;
        // An error means that nobody is watching.
        let plan = Arc::clone(&self.plan);
        let notice = Notice { sequence: self.sequence, at: self.clock.wall(), plan, event };
        let _ = self.notices.send(Arc::new(notice));
    }

    fn overview(&self) -> Overview {
        let seen = |(id, slot): (InstanceId, &Slot)| {
            let view = self.engine.view(id);
            let instance = self.plan.instance(id);
            let [log, stderr_log] = Channel::BOTH.map(|channel| {
                let kept = log_settings(&instance.launch, &instance.name, &self.state_dir, channel);
                kept.map(|kept| kept.path)
            });
            Seen {
                since: self.clock.wall_of(view.since).max(self.since),
                due: view.due.map(|at| self.clock.wall_of(at)),
                next_run: view.next_run.map(|due| due.wall.unwrap_or_else(|| self.clock.wall_of(due.at))),
                runs: view.runs.iter().map(|&run| SeenRun { at: self.clock.wall_of(run.at), run }).collect(),
                view,
                pid: slot.pid,
                log,
                stderr_log,
                unwatched: self.watches.trouble(slot.key).map(str::to_owned),
            }
        };
        let slots = self.slots.iter().enumerate().map(|(index, slot)| (InstanceId(index as u32), slot));
        Overview {
            plan: Arc::clone(&self.plan),
            sequence: self.sequence,
            since: self.since,
            guard_pid: nix::unistd::getppid().as_raw().unsigned_abs(),
            engine_pid: std::process::id(),
            fingerprint: self.fingerprint,
            groups: self.groups.clone(),
            instances: slots.map(seen).collect(),
        }
    }

    /// Writes out what is still in the pipes and says that it is over.
    fn finish(&mut self) {
        for slot in &self.slots {
            for channel in Channel::BOTH {
                if let Some(pump) = self.pumps.get_mut(slot.key.pump(channel)) {
                    // Everything is down: what one drain leaves could not be written anyway.
                    let _ = pump.drain(self.clock.wall());
                    pump.end_line(self.clock.wall());
                }
            }
        }
        let code = self.ended.flatten();
        self.publish(Happening::Ended { code });
    }
}

impl Finished {
    /// Returns the exit code that the end of a service asked for.
    pub fn code(&self) -> Option<u8> {
        self.code
    }

    /// Lets the guard end, and with it whatever still descends from it.
    ///
    /// # Errors
    ///
    /// When the guard's socket fails.
    pub async fn goodbye(mut self) -> io::Result<()> {
        self.link.goodbye(self.code.unwrap_or(0))?;
        while !self.link.flush()? {
            self.link_ready.writable().await?;
        }
        Ok(())
    }
}
