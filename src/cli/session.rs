//! The conversation with a running supervisor: finding it, watching it, and finding it again when its engine
//! was replaced.

use std::future::Future;
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use tokio::io::Interest;

use crate::cli::board::Board;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::control::wire::{Code, Event, Happening};
use crate::control::{CallError, Client, ConnectError, EventStream};
use crate::runtime::Project;
use crate::runtime::project::ProjectError;
use crate::sys::watch::Watched;

/// How long a supervisor that went away is given to come back.
const RETURN: Duration = Duration::from_secs(10);

/// Runs a conversation to its end.
///
/// # Errors
///
/// Its own, and that the machine has nothing left to run it with.
pub fn block_on<T>(conversation: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(conversation);
    // A reader of a lock that never comes free must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Finds the project this call is about.
///
/// # Errors
///
/// There is no service file.
pub fn project(context: &Context) -> Result<Project, Trouble> {
    let file = context.service_file()?;
    Project::of_file(&file, &context.places).map_err(|error| {
        let trouble = Trouble::of(&error);
        match error {
            ProjectError::File { .. } => Trouble { exit: Exit::Usage, ..trouble },
            _ => trouble,
        }
    })
}

/// Connects to the supervisor of a project; one that is just starting, ending or being replaced is waited
/// for.
///
/// # Errors
///
/// As [`Client::connect`]: `NotRunning` only when there is none, or it does not answer in time.
pub async fn reach(project: &Project) -> Result<Client, ConnectError> {
    let answer = Client::connect(&project.socket()).await;
    if !matches!(answer, Err(ConnectError::NotRunning)) || !project.is_running() {
        return answer;
    }
    let gone = project.clone();
    let gone = tokio::task::spawn_blocking(move || gone.await_end());
    let answering = async {
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

/// Connects to the supervisor of a project.
///
/// # Errors
///
/// [`Exit::Absent`] when none runs.
pub async fn connect(context: &Context, project: &Project) -> Result<Client, Trouble> {
    match reach(project).await {
        Ok(client) => Ok(client),
        Err(ConnectError::NotRunning) => Err(not_running(context, project)),
        Err(error) => Err(Trouble::of(&error)),
    }
}

fn not_running(context: &Context, project: &Project) -> Trouble {
    let shown = context.shown(&project.file);
    let command = match &context.file {
        Some(file) => format!("svc -f {} up -d", file.display()),
        None => "svc up -d".to_owned(),
    };
    Trouble::new(Exit::Absent, format!("no supervisor runs for `{shown}`"))
        .help(format!("start it with `{command}`"))
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Refused(problem) if problem.code == Code::UnknownService => {
                let names: Vec<String> =
                    problem.unknown.iter().map(|unknown| format!("`{}`", unknown.name)).collect();
                let nearest: Vec<String> = problem
                    .unknown
                    .iter()
                    .filter_map(|unknown| unknown.nearest.as_ref())
                    .map(|name| format!("`{name}`"))
                    .collect();
                let trouble = match names.as_slice() {
                    [] => Self::new(Exit::Absent, problem.detail.clone()),
                    names => Self::new(Exit::Absent, format!("unknown service {}", names.join(", "))),
                };
                match nearest.as_slice() {
                    [] => trouble.help("`svc ps -a` lists every service"),
                    nearest => trouble.help(format!("did you mean {}?", nearest.join(", "))),
                }
            }
            CallError::Connect(ConnectError::NotRunning) => Self { exit: Exit::Absent, ..Self::of(&error) },
            // Whoever asks next finds nobody.
            CallError::Refused(problem) if problem.code == Code::Ending => {
                Self::new(Exit::Absent, problem.detail.clone())
            }
            CallError::Refused(problem) => Self::new(Exit::Failed, problem.detail.clone()),
            CallError::Connect(_) | CallError::HungUp(_) | CallError::Answer { .. } => Self::of(&error),
        }
    }
}

/// A supervisor as it is and as it goes on.
#[derive(Debug)]
pub struct Watch {
    /// The door.
    pub client: Client,
    /// How everything is.
    pub board: Board,
    events: EventStream,
    folder: std::path::PathBuf,
    socket: std::path::PathBuf,
}

/// What watching brings.
#[derive(Clone, Debug)]
pub enum Change {
    /// Something happened; the board does not hold it yet.
    Event(Event),
    /// The engine was replaced, or events were missed; the board is new.
    Resumed,
    /// Everything is down and the supervisor has ended, with the code a service's end asked for.
    Ended(Option<u8>),
    /// The supervisor is gone and has not come back.
    Gone,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    ///
    /// The supervisor does not answer.
    pub async fn open(client: Client, project: &Project) -> Result<Self, Trouble> {
        let (board, events) = look(&client).await?;
        Ok(Self { client, board, events, folder: project.runtime_dir.clone(), socket: project.socket() })
    }

    /// Waits for the next change. Events are handed out before the board takes them in: see [`Board::apply`].
    pub async fn next(&mut self) -> Change {
        match self.events.next().await {
            Ok(Some(Event { happening: Happening::Ended { code }, .. })) => Change::Ended(code),
            Ok(Some(Event { happening: Happening::Missed { .. }, .. })) | Ok(None) | Err(_) => {
                match tokio::time::timeout(RETURN, self.resume()).await {
                    Ok(Ok(())) => Change::Resumed,
                    Ok(Err(_)) | Err(_) => Change::Gone,
                }
            }
            Ok(Some(event)) => Change::Event(event),
        }
    }

    /// Asks again how everything is, for what events do not tell.
    ///
    /// # Errors
    ///
    /// The supervisor does not answer.
    pub async fn refresh(&mut self) -> Result<(), CallError> {
        self.board = Board::new(self.client.services().await?);
        Ok(())
    }

    /// Connects again, as soon as somebody listens.
    async fn resume(&mut self) -> Result<(), Trouble> {
        // Watch first, then try: what happens in between is not missed.
        let changes = Folder::watch(&self.folder)?;
        loop {
            if let Ok(client) = Client::connect(&self.socket).await
                && let Ok((board, events)) = look(&client).await
            {
                (self.client, self.board, self.events) = (client, board, events);
                return Ok(());
            }
            changes.changed().await?;
        }
    }
}

async fn look(client: &Client) -> Result<(Board, EventStream), CallError> {
    let services = client.services().await?;
    let events = client.events(Some(services.sequence)).await?;
    Ok((Board::new(services), events))
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
