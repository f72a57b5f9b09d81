//! The door to a supervisor: finding it, asking it, and asking again when its engine was replaced meanwhile.
//!
//! A question may be asked twice, so one that an engine took with it when it was killed is put to the
//! next. So is a start or a stop, of which a second one changes nothing. A restart is handed in once, and
//! so are a reload and a shutdown: a second one would skip the grace periods.

use std::future::Future;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use tokio::io::Interest;

use crate::control::wire;
use crate::control::{CallError, Client, ConnectError, EventStream};
use crate::runtime::Project;
use crate::sys::watch::Watched;

/// How long a supervisor that went away is given to come back, and a question to be answered by it.
const RETURN: Duration = Duration::from_secs(10);

/// A supervisor that runs, whichever engine it has now.
#[derive(Clone, Debug)]
pub struct Door {
    client: Client,
    project: Project,
}

impl Door {
    /// Connects to the supervisor of a project; one that is just starting, ending or being replaced is
    /// waited for.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`]: `NotRunning` only when there is none, or it does not answer in time.
    pub async fn reach(project: &Project) -> Result<Self, ConnectError> {
        Ok(Self { client: client(project).await?, project: project.clone() })
    }

    /// Asks for the project.
    ///
    /// # Errors
    ///
    /// As [`Client::project`].
    pub async fn project(&self) -> Result<wire::Project, CallError> {
        self.read(|client| async move { client.project().await }).await
    }

    /// Asks how every instance is.
    ///
    /// # Errors
    ///
    /// As [`Client::services`].
    pub async fn services(&self) -> Result<wire::Services, CallError> {
        self.read(|client| async move { client.services().await }).await
    }

    /// Asks for one service or instance in detail.
    ///
    /// # Errors
    ///
    /// As [`Client::service`].
    pub async fn service(&self, name: &str) -> Result<wire::Service, CallError> {
        self.read(|client| async move { client.service(name).await }).await
    }

    /// Hands in a command.
    ///
    /// # Errors
    ///
    /// As [`Client::command`]; [`CallError::HungUp`] when nobody knows whether a restart or a shutdown was taken.
    pub async fn command(&self, command: &wire::Command) -> Result<wire::Accepted, CallError> {
        match command {
            wire::Command::Restart { .. } | wire::Command::Reload { .. } | wire::Command::Shutdown { .. } => {
                let answer = self.client.command(command).await;
                if let Err(CallError::HungUp(_)) = answer {
                    // It may have ended by itself: then there is nobody.
                    client(&self.project).await?;
                }
                answer
            }
            wire::Command::Start { .. } | wire::Command::Run { .. } | wire::Command::Stop { .. } => {
                self.read(|client| async move { client.command(command).await }).await
            }
        }
    }

    /// Asks for the service file to be put in force, or what that would do: a second time it goes on where
    /// the first was interrupted.
    ///
    /// # Errors
    ///
    /// As [`Client::plan`].
    pub async fn plan(&self, proposal: &wire::Proposal) -> Result<wire::Planned, CallError> {
        self.read(|client| async move { client.plan(proposal).await }).await
    }

    /// Sends a signal, once.
    ///
    /// # Errors
    ///
    /// As [`Client::signal`]; [`CallError::HungUp`] when nobody knows whether it was sent.
    pub async fn signal(&self, order: &wire::SignalOrder) -> Result<wire::Signalled, CallError> {
        self.client.signal(order).await
    }

    /// Makes one attempt of each of these probes, however long they take.
    ///
    /// # Errors
    ///
    /// As [`Client::probe`].
    pub async fn probe(&self, order: &wire::ProbeOrder) -> Result<wire::Probes, CallError> {
        self.client.probe(order).await
    }

    /// Asks how the processes of an instance are made.
    ///
    /// # Errors
    ///
    /// As [`Client::launch`].
    pub async fn launch(&self, name: &str) -> Result<wire::Launch, CallError> {
        self.read(|client| async move { client.launch(name).await }).await
    }

    /// Subscribes to what happens after an event.
    ///
    /// # Errors
    ///
    /// As [`Client::events`].
    pub async fn events(&self, after: u64) -> Result<EventStream, CallError> {
        self.read(|client| async move { client.events(Some(after)).await }).await
    }

    /// Asks for what has happened and is still kept.
    ///
    /// # Errors
    ///
    /// As [`Client::past_events`].
    pub async fn past_events(&self) -> Result<EventStream, CallError> {
        self.read(|client| async move { client.past_events().await }).await
    }

    /// Asks what may be asked again, until an engine lives long enough to answer.
    ///
    /// # Errors
    ///
    /// The engine's own refusal; `NotRunning` when nobody has answered in time.
    pub async fn read<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let answered = async {
            loop {
                match ask(self.client.clone()).await {
                    Err(CallError::HungUp(_) | CallError::Connect(ConnectError::NotRunning)) => {
                        client(&self.project).await?;
                    }
                    answer => return answer,
                }
            }
        };
        let answer = tokio::time::timeout(RETURN, answered).await;
        answer.unwrap_or(Err(CallError::Connect(ConnectError::NotRunning)))
    }
}

/// Waits for somebody who listens, as long as the supervisor's lock is held.
async fn client(project: &Project) -> Result<Client, ConnectError> {
    let answer = Client::connect(&project.socket()).await;
    if !matches!(answer, Err(ConnectError::NotRunning)) || !project.is_running() {
        return answer;
    }
    let gone = project.clone();
    let gone = tokio::task::spawn_blocking(move || gone.await_end());
    let answering = async {
        // Watch first, then try: what happens in between is not missed.
        let changes = Folder::watch(&project.runtime_dir)?;
        loop {
            match Client::connect(&project.socket()).await {
                Err(ConnectError::NotRunning) => changes.changed().await?,
                answer => return Ok::<_, std::io::Error>(answer),
            }
        }
    };
    tokio::select! {
        answer = tokio::time::timeout(RETURN, answering) => match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(ConnectError::NotRunning),
        },
        _ = gone => Err(ConnectError::NotRunning),
    }
}

/// A directory that is watched for new files.
struct Folder(Watched);

impl Folder {
    fn watch(folder: &Path) -> std::io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let what = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB;
        inotify::add_watch(&inotify, folder, what)?;
        Ok(Self(Watched::new(inotify, Interest::READABLE)?))
    }

    async fn changed(&self) -> std::io::Result<()> {
        self.0.readable().await?;
        // What changed does not matter: whoever waits looks again.
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(self.0.fd(), &mut buffer);
        while events.next().is_ok() {}
        Ok(())
    }
}
