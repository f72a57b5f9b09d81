//! What this machine knows of an instance, beside what the engine knows: its process, its pipe, its
//! sockets, and the tasks that wait on them.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::io::Interest;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::base::Invocation;
use crate::graph::plan::Wiring;
use crate::logs::Channel;
use crate::runtime::notify::{NotifySocket, Said};
use crate::sys::watch::Watched;

/// What the tasks of a slot tell the driver.
#[derive(Debug)]
pub(crate) enum Fact {
    /// Something the engine has to know.
    Event(crate::engine::Event),
    /// A service said something by its notify socket.
    Said { key: SlotKey, sender: u32, said: Vec<Said> },
    /// An errand's time is over.
    ErrandLate { errand: Invocation },
}

/// The number a slot keeps for as long as it is there, whatever the place of its instance in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotKey(pub(crate) u64);

impl SlotKey {
    /// Returns the number of the pump of one output.
    pub(crate) fn pump(self, channel: Channel) -> u64 {
        self.0 << 1 | u64::from(channel == Channel::Err)
    }

    /// Returns whose pump has this number.
    pub(crate) fn of_pump(number: u64) -> Self {
        Self(number >> 1)
    }
}

/// The machine's side of one instance.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) key: SlotKey,
    /// Its present life, from launch until nothing is left of it.
    pub(crate) life: Option<Invocation>,
    /// The main process of that life, once it is started and until it has ended.
    pub(crate) pid: Option<u32>,
    /// A handle on the main process: what a new guard would adopt it by.
    pub(crate) pidfd: Option<OwnedFd>,
    /// How the pumps stand that it has.
    pub(crate) wiring: Option<Wiring>,
    pub(crate) notify: Option<Rc<NotifySocket>>,
    /// Listens on that.
    pub(crate) notify_task: Option<AbortHandle>,
    /// Waits on the readiness descriptor of the present life.
    pub(crate) ready_task: Option<AbortHandle>,
}

impl Slot {
    pub(crate) fn new(key: SlotKey) -> Self {
        let (life, pid, pidfd, wiring, notify, notify_task, ready_task) =
            (None, None, None, None, None, None, None);
        Self { key, life, pid, pidfd, wiring, notify, notify_task, ready_task }
    }
}

/// Listens on a notify socket for as long as the engine lives.
pub(crate) async fn run_notify(
    key: SlotKey,
    socket: Rc<NotifySocket>,
    facts: mpsc::Sender<Fact>,
) -> std::io::Result<()> {
    loop {
        match socket.receive() {
            Ok((sender, said)) => {
                // The driver owns the receiver and ends after its tasks.
                let _ = facts.send(Fact::Said { key, sender, said }).await;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => socket.readable().await?,
            Err(error) => return Err(error),
        }
    }
}

/// Waits for the line that announces readiness on a descriptor; returns whether it came.
pub(crate) async fn run_ready(pipe: OwnedFd) -> std::io::Result<bool> {
    let pipe = Watched::new(pipe, Interest::READABLE)?;
    let mut buffer = [0; 256];
    loop {
        match rustix::io::read(pipe.fd(), &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) if buffer[..length].contains(&b'\n') => return Ok(true),
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN) => pipe.readable().await?,
            Err(error) => return Err(error.into()),
        }
    }
}
