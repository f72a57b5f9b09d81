//! The conversation with a running supervisor: which project it is about, and watching it as it goes on.

use std::future::Future;

use tokio::task::JoinSet;

use crate::cli::board::Board;
use crate::cli::context::Context;
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::orphans;
use crate::control::wire::{Code, Event, Happening};
use crate::control::{CallError, Client, ConnectError, EventStream};
use crate::runtime::Project;
use crate::runtime::project::ProjectError;

/// Runs a conversation to its end.
///
/// # Errors
///
/// Its own, and that the machine has nothing left to run it with.
pub fn block_on<T>(conversation: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut beside = JoinSet::new();
        if orphans::is_first() {
            beside.spawn(orphans::reap());
        }
        conversation.await
    });
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

/// Connects to the supervisor of a project.
///
/// # Errors
///
/// [`Exit::Absent`] when none runs.
pub async fn connect(context: &Context, project: &Project) -> Result<Door, Trouble> {
    match Door::reach(project).await {
        Ok(door) => Ok(door),
        Err(ConnectError::NotRunning) => Err(not_running(context, project)),
        Err(error) => Err(Trouble::of(&error)),
    }
}

fn not_running(context: &Context, project: &Project) -> Trouble {
    let shown = context.shown(&project.file);
    let command = match context.files.first() {
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
    /// Where else is asked.
    pub door: Door,
    /// How everything is.
    pub board: Board,
    events: EventStream,
    /// Whether another plan came in force and the board is still one of the old plan.
    outdated: bool,
    /// The look at the next engine, while the one before is gone: it goes on when nobody waits for it.
    returning: JoinSet<Result<(Board, EventStream), CallError>>,
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
    pub async fn open(door: Door) -> Result<Self, Trouble> {
        let (board, events) = door.read(look).await?;
        Ok(Self { door, board, events, outdated: false, returning: JoinSet::new() })
    }

    /// Waits for the next change. Events are handed out before the board takes them in: see [`Board::apply`].
    ///
    /// Nothing is lost when this is not waited for to its end.
    pub async fn next(&mut self) -> Change {
        if self.outdated {
            self.outdated = self.refresh().await.is_err();
        }
        if self.returning.is_empty() {
            match self.events.next().await {
                Ok(Some(Event { happening: Happening::Ended { code }, .. })) => return Change::Ended(code),
                Ok(Some(Event { happening: Happening::Missed { .. }, .. })) | Ok(None) | Err(_) => {}
                Ok(Some(event)) => {
                    self.outdated |= matches!(event.happening, Happening::PlanChanged { .. });
                    return Change::Event(event);
                }
            }
            let door = self.door.clone();
            self.returning.spawn(async move { door.read(look).await });
        }
        match self.returning.join_next().await {
            Some(Ok(Ok((board, events)))) => {
                (self.board, self.events) = (board, events);
                self.outdated = false;
                Change::Resumed
            }
            Some(Ok(Err(_)) | Err(_)) | None => Change::Gone,
        }
    }

    /// Asks again how everything is, for what events do not tell.
    ///
    /// # Errors
    ///
    /// The supervisor does not answer.
    pub async fn refresh(&mut self) -> Result<(), CallError> {
        self.board = Board::new(self.door.services().await?);
        Ok(())
    }
}

async fn look(client: Client) -> Result<(Board, EventStream), CallError> {
    let services = client.services().await?;
    match client.events(Some(services.sequence)).await {
        // The two answers are of two engines.
        Err(CallError::Refused(problem)) if problem.code == Code::UnknownSequence => {
            Err(CallError::HungUp(problem.detail.into()))
        }
        events => Ok((Board::new(services), events?)),
    }
}
