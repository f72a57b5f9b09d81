//! Taking up the supervision of a project: fresh, or where an engine that was killed left it.
//!
//! There is one way for both. The guard tells what it holds as of the last event that was
//! acknowledged; the journal tells what the last engine decided. A fresh start finds both empty.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use crate::base::{Invocation, Shares, Signal};
use crate::engine::Engine;
use crate::graph::InstanceId;
use crate::graph::plan::Plan;
use crate::guard::client::GuardLink;
use crate::guard::protocol::{Groups, LifeState, Message, Scope, VERSION};
use crate::logs::Channel;
use crate::logs::Pumps;
use crate::probe::Probe;
use crate::runtime::change::Versions;
use crate::runtime::clock::Clock;
use crate::runtime::driver::{Driver, FACTS};
use crate::runtime::errand::Errands;
use crate::runtime::execute::channels;
use crate::runtime::handle::{Notice, Question};
use crate::runtime::journal::Journal;
use crate::runtime::launch::{Own, Surroundings, log_key, notify_key, ready_key, shares};
use crate::runtime::listen::{self, Listening};
use crate::runtime::lives::Lives;
use crate::runtime::notify::NotifySocket;
use crate::runtime::project::Project;
use crate::runtime::slot::{Slot, SlotKey};
use crate::runtime::watch::Watches;
use crate::sys::watch::{Alarm, ClockWatch, Watched};

/// What an engine process is made from.
#[derive(Debug)]
pub struct Setup {
    /// What should run.
    pub plan: Plan,
    /// A fingerprint of what the plan was made from.
    pub fingerprint: u64,
    /// Whose supervision it is.
    pub project: Project,
    /// The environment of the services, before their own variables.
    pub env: BTreeMap<String, String>,
    /// What services get that inherit svc's.
    pub own: Own,
    /// Where questions come from.
    pub questions: mpsc::Receiver<Question>,
    /// Where notices go.
    pub notices: broadcast::Sender<Arc<Notice>>,
}

/// What the guard holds.
#[derive(Debug, Default)]
struct Held {
    groups: Groups,
    lives: Vec<(Invocation, Vec<u8>, LifeState<OwnedFd>)>,
    kept: BTreeMap<Vec<u8>, OwnedFd>,
}

/// Takes up the supervision of a project.
///
/// # Errors
///
/// When the guard is gone or speaks another version, or the journal cannot be read.
pub async fn resume(mut link: GuardLink, setup: Setup) -> io::Result<Driver> {
    let Setup { plan, fingerprint, project, env, own, questions, notices } = setup;
    let plan = Arc::new(plan);
    let socket = link.as_fd().try_clone_to_owned()?;
    let link_ready = Watched::new(socket, Interest::READABLE | Interest::WRITABLE)?;
    let held = hear_what_is_held(&mut link, &link_ready).await?;
    let clock = Clock;
    let (journal, past) = Journal::open(&project.journal(), clock)?;
    let by_name: BTreeMap<&str, InstanceId> = plan.instances().map(|(id, i)| (&*i.name, id)).collect();
    let mut errands = Errands::default();
    let mut lives = Lives::default();
    let mut slots: Vec<Slot> = (0..plan.instances.len() as u64).map(|key| Slot::new(SlotKey(key))).collect();
    let mut living = Vec::new();
    let mut strays = Vec::new();
    for (invocation, tag, state) in held.lives {
        let instance = std::str::from_utf8(&tag).ok().and_then(|name| by_name.get(name)).copied();
        match instance {
            Some(instance) if !Errands::is_errand(invocation) => {
                living.push((instance, invocation));
                lives.begin(invocation, instance);
                let slot = &mut slots[instance.0 as usize];
                slot.life = Some(invocation);
                if let LifeState::Running { pid, pidfd } = state {
                    slot.pid = Some(pid);
                    slot.pidfd = pidfd;
                }
            }
            // An errand of the engine before, or a life of no instance: nobody waits for it.
            _ => strays.push(invocation),
        }
        if Errands::is_errand(invocation) {
            errands.skip(invocation);
        }
    }
    let records = past.records(&by_name);
    let engine = Engine::restore(
        Arc::clone(&plan),
        past.seed(),
        clock.now(),
        past.next_invocation,
        &records,
        &living,
        past.ending,
    );
    let pumps = Pumps::new()?;
    let (facts, arriving) = mpsc::channel(FACTS);
    let uid = nix::unistd::getuid().as_raw();
    let mut driver = Driver {
        engine,
        link,
        link_ready,
        clock,
        told: None,
        clock_set: ClockWatch::new()?,
        surroundings: Surroundings { env, uid, own },
        notify_folder: project.notify_folder(),
        state_dir: project.state_dir.clone(),
        project,
        places: slots.iter().zip(0..).map(|(slot, at)| (slot.key, InstanceId(at))).collect(),
        slots,
        listening: Listening::default(),
        versions: Versions::default(),
        lives,
        groups: held.groups,
        errands,
        output: Watched::new(pumps.descriptor()?, Interest::READABLE)?,
        pumps,
        pumps_due: Alarm::new()?,
        watches: Watches::default(),
        tasks: JoinSet::new(),
        facts,
        pending: VecDeque::from([crate::engine::Event::Tick]),
        arriving,
        questions,
        notices,
        sequence: past.first_sequence(),
        next_request: past.first_sequence(),
        journal,
        since: past.since,
        fingerprint,
        ended: None,
        kept: held.kept,
        plan,
    };
    for (instance, life) in living {
        let shares = shares(&driver.plan.instance(instance).launch);
        if shares != Shares::default() {
            // The engine before may have been killed before it could pass on a change.
            driver.link.share(life, shares)?;
        }
    }
    for stray in strays {
        driver.send_signal(stray, Signal::KILL, Scope::Everything);
    }
    Ok(driver)
}

/// Hears the guard out up to its `Ready`.
async fn hear_what_is_held(link: &mut GuardLink, ready: &Watched) -> io::Result<Held> {
    let mut held = Held::default();
    loop {
        while let Some(message) = link.recv()? {
            match message {
                Message::Hello { version: VERSION, groups } => held.groups = groups,
                Message::Hello { version, .. } => {
                    let text = format!("the guard speaks version {version} of the protocol, not {VERSION}");
                    return Err(io::Error::new(io::ErrorKind::Unsupported, text));
                }
                Message::Life { invocation, tag, state } => held.lives.push((invocation, tag, state)),
                Message::Kept { key, fd } => held.kept.extend(fd.map(|fd| (key, fd))),
                Message::Ready => return Ok(held),
                Message::Event { .. } => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        ready.readable().await?;
    }
}

impl Driver {
    /// Goes on with the pipes and sockets an engine before this one left with the guard.
    pub(crate) fn resume_tasks(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        let plan = Arc::clone(&self.plan);
        for (id, instance) in plan.instances() {
            let launch = &instance.launch;
            for channel in Channel::BOTH {
                if let Some(both) = kept.remove(&log_key(&instance.name, channel))
                    && channels(launch.logs.wiring()).contains(&channel)
                    && let Ok(read) = crate::sys::pipe::read_end(&both)
                {
                    // Without it the output stays in the pipe; the next launch tries again.
                    let _ = self.adopt_log(id, launch, channel, read);
                }
            }
            // Without it the instance cannot say anything more in this life; it goes on running.
            if let Some(socket) = kept.remove(&notify_key(&instance.name))
                && let Ok(socket) = NotifySocket::from_fd(socket)
            {
                self.adopt_notify(id, socket);
            }
            for socket in listen::sockets(launch) {
                if let Some(open) = kept.remove(&listen::key(&socket.address)) {
                    self.listening.opened(socket.address.clone(), open);
                }
                if !self.engine.view(id).state.is_over() {
                    self.listening.hold(&socket.address, &instance.name);
                }
            }
            if let Some(read) = kept.remove(&ready_key(&instance.name)) {
                self.adopt_ready(id, read);
            }
            if let Some(Probe::Log(pattern)) = &launch.readiness
                && !self.engine.view(id).ready
            {
                self.watch_log(id, pattern);
            }
        }
        // The engine before may have been killed before it could close what nobody has any more.
        self.release_sockets("", &[]);
        self.watch_files();
    }
}
