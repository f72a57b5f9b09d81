//! The routes: what each one answers.
//!
//! A question is one message to the driver; what it means in the forms of the API is said in
//! `show` and `why`. Whatever goes wrong is answered with a [`wire::Problem`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};

use crate::base::Name;
use crate::control::aside;
use crate::control::feed::{Reader, Recent};
use crate::control::show;
use crate::control::stream::Streamed;
use crate::control::why;
use crate::control::wire;
use crate::control::wire::{Code, Problem};
use crate::diagnostic::suggest::nearest;
use crate::engine::action::StateName;
use crate::engine::event::Command;
use crate::graph::{Change, InstanceId, Plan};
use crate::model::policy::Kind;
use crate::runtime::handle::{Gone, Overview, Seen};
use crate::runtime::proposal::{Proposal, ProposalError, Wanted};
use crate::runtime::{Handle, Project};

/// The largest body of a request, in bytes.
pub const LARGEST_BODY: usize = 64 << 10;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many readers of events there may be.
pub const READERS: usize = 1000;
/// The API in the form of OpenAPI 3.1.
const OPENAPI: &str = include_str!("../../schemas/openapi.json");

/// Every route with its method.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/health"),
    ("GET", "/v1/project"),
    ("GET", "/v1/services"),
    ("GET", "/v1/services/{name}"),
    ("GET", "/v1/services/{name}/launch"),
    ("POST", "/v1/commands"),
    ("POST", "/v1/plan"),
    ("POST", "/v1/signals"),
    ("POST", "/v1/probes"),
    ("GET", "/v1/events"),
    ("GET", "/v1/openapi.json"),
];

/// What every route works with.
pub(crate) struct Context {
    pub(crate) handle: Handle,
    pub(crate) project: Project,
    pub(crate) recent: watch::Receiver<Recent>,
    pub(crate) readers: Arc<Semaphore>,
}

pub(crate) type Answer<T> = Result<Form<T>, Problem>;

/// An answer as JSON.
pub(crate) struct Form<T>(pub(crate) T);

/// Makes the router of the owner and root.
pub(crate) fn router(context: Context) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/project", get(project))
        .route("/v1/services", get(services))
        .route("/v1/services/{name}", get(service))
        .route("/v1/services/{name}/launch", get(aside::launch))
        .route("/v1/commands", post(command))
        .route("/v1/plan", post(plan))
        .route("/v1/signals", post(aside::signal))
        .route("/v1/probes", post(aside::probe))
        .route("/v1/events", get(events))
        .route("/v1/openapi.json", get(openapi))
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(context))
}

/// Makes the router of everybody else.
pub(crate) fn forbidding() -> Router {
    Router::new().fallback(async || {
        problem(Code::Forbidden, "only the user who runs this project, and root, may use it")
    })
}

async fn project(State(context): State<Arc<Context>>) -> Answer<wire::Project> {
    let overview = context.handle.overview().await?;
    let project = &context.project;
    Ok(Form(wire::Project {
        project: overview.plan.project.to_string(),
        id: project.id.clone(),
        file: project.file.to_string_lossy().into_owned(),
        fingerprint: format!("{:016x}", overview.fingerprint),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: overview.since,
        guard_pid: overview.guard_pid,
        engine_pid: overview.engine_pid,
        instances: overview.instances.len(),
        own_log: project.own_log().to_string_lossy().into_owned(),
        groups: show::groups(&overview.groups),
        sequence: overview.sequence,
    }))
}

async fn services(State(context): State<Arc<Context>>) -> Answer<wire::Services> {
    let overview = context.handle.overview().await?;
    let instances = overview.instances.iter().map(|seen| show::instance(&overview, seen)).collect();
    Ok(Form(wire::Services {
        project: overview.plan.project.to_string(),
        sequence: overview.sequence,
        groups: show::groups(&overview.groups),
        instances,
    }))
}

async fn service(State(context): State<Arc<Context>>, Path(name): Path<String>) -> Answer<wire::Service> {
    let overview = context.handle.overview().await?;
    let plan = &overview.plan;
    let ids = plan.find(&name);
    let Some(&first) = ids.first() else {
        return Err(unknown(plan, vec![name]));
    };
    let recent = context.recent.borrow();
    let detail = |&id: &InstanceId| {
        let (depends_on, dependents) = show::neighbours(&overview, id);
        let instance = show::instance(&overview, &overview.instances[id.0 as usize]);
        wire::Detail { instance, why: why::chain(&overview, &recent, id), depends_on, dependents }
    };
    Ok(Form(wire::Service {
        service: plan.service_of(first).name.to_string(),
        sequence: overview.sequence,
        instances: ids.iter().map(detail).collect(),
    }))
}

async fn command(State(context): State<Arc<Context>>, request: Request) -> Result<Response, Problem> {
    let command: wire::Command = body(request).await?;
    let overview = context.handle.overview().await?;
    let plan = &overview.plan;
    let (command, instances) = resolved(&overview, command)?;
    let accepted = context.handle.command(command).await?;
    let instances = instances.iter().map(|&id| plan.instance(id).name.to_string()).collect();
    let accepted = wire::Accepted { request: accepted.request.0, sequence: accepted.sequence, instances };
    Ok((StatusCode::ACCEPTED, Form(accepted)).into_response())
}

async fn plan(State(context): State<Arc<Context>>, request: Request) -> Result<Response, Problem> {
    let asked: wire::Proposal = body(request).await?;
    let wanted = Wanted { scale: scale(&asked.scale)?, in_force: asked.in_force };
    let project = context.project.clone();
    // A large file takes a while to compile; the engine's loop goes on meanwhile.
    let read = tokio::task::spawn_blocking(move || Proposal::read(&project, &wanted)).await;
    let proposal = match read {
        Ok(Ok(proposal)) => proposal,
        Ok(Err(error @ ProposalError::Invalid(_))) => {
            return Err(problem(Code::InvalidFile, error.to_string()));
        }
        Ok(Err(error @ ProposalError::Record(_))) => return Err(problem(Code::Ending, error.to_string())),
        Err(_) => return Err(problem(Code::Ending, "svc is ending")),
    };
    let new = Arc::clone(&proposal.plan);
    let is_service = |name: &str| new.services.iter().any(|service| service.name.as_str() == name);
    let nobody: Vec<String> = asked.scale.keys().filter(|name| !is_service(name)).cloned().collect();
    if !nobody.is_empty() {
        return Err(unknown(&new, nobody));
    }
    let overview = context.handle.overview().await?;
    let old = overview.plan;
    let change = Change::between(&old, &new);
    let start = match asked.names.as_slice() {
        [] => change.added(&new),
        _ => named(&new, asked.names, |id| !new.service_of(id).disabled)?,
    };
    let steps = show::steps(&old, &new, &change, &start);
    let scaled = show::scaled(&new);
    if asked.dry_run || steps.is_empty() {
        let planned = wire::Planned { request: None, sequence: overview.sequence, steps, scaled };
        return Ok(Form(planned).into_response());
    }
    let accepted = context.handle.apply(proposal, start, asked.rollback).await?;
    let accepted =
        accepted.map_err(|error| problem(Code::Ending, format!("cannot keep the plan: {error}")))?;
    let request = Some(accepted.request.0);
    let planned = wire::Planned { request, sequence: accepted.sequence, steps, scaled };
    Ok((StatusCode::ACCEPTED, Form(planned)).into_response())
}

/// Reads numbers of instances.
fn scale(asked: &BTreeMap<String, u32>) -> Result<BTreeMap<Name, u32>, Problem> {
    let one = |(name, &count): (&String, &u32)| match (Name::new(name), count) {
        (Ok(_), 0) => Err(problem(
            Code::Malformed,
            format!("a service has at least one instance: stop `{name}` instead"),
        )),
        (Ok(name), count) => Ok((name, count)),
        (Err(error), _) => Err(problem(Code::Malformed, format!("`{name}` is no name: {error}"))),
    };
    asked.iter().map(one).collect()
}

/// Which events a reader gets.
#[derive(Deserialize)]
struct Which {
    /// Those after this one; from now on when absent.
    after: Option<u64>,
    /// Whether also those that are yet to happen; yes when absent.
    follow: Option<bool>,
}

async fn events(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Which { after, follow }) =
        query.map_err(|error| problem(Code::Malformed, error.body_text()))?;
    let permit = Arc::clone(&context.readers)
        .try_acquire_owned()
        .map_err(|_| problem(Code::TooManyReaders, format!("{READERS} readers of events are connected")))?;
    // A browser that connects again says what it has had (HTML standard, server-sent events).
    let had = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let overview = context.handle.overview().await?;
    let place = had.or(after).unwrap_or(overview.sequence);
    if place > overview.sequence {
        let detail = format!("event {place} has not happened yet, the last one is {}", overview.sequence);
        return Err(problem(Code::UnknownSequence, detail));
    }
    let until = (follow == Some(false)).then(|| (overview.sequence, context.handle.clone()));
    let reader = Reader { recent: context.recent.clone(), place, until, _permit: permit };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::new(Streamed::new(reader))).into_response())
}

/// What a health check is about.
#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    level: wire::Level,
}

async fn health(
    State(context): State<Arc<Context>>,
    query: Result<Query<Health>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Health { level }) = query.map_err(|error| problem(Code::Malformed, error.body_text()))?;
    // Asked at both levels: a driver that does not answer is not alive.
    let overview = context.handle.overview().await?;
    let not_ready: Vec<String> = match level {
        wire::Level::Alive => Vec::new(),
        wire::Level::Ready => {
            let late = overview.instances.iter().filter(|seen| !settled(seen));
            late.map(|seen| overview.plan.instance(seen.view.instance).name.to_string()).collect()
        }
    };
    let healthy = not_ready.is_empty();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Form(wire::Health { level, healthy, not_ready })).into_response())
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn unknown_route(request: Request) -> Problem {
    problem(Code::UnknownRoute, format!("there is no `{}`", request.uri().path()))
}

async fn method_not_allowed(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    problem(Code::MethodNotAllowed, format!("`{path}` cannot be asked with {method}"))
}

/// Whether an instance is where it should be: not wanted, ready, or a task that has completed.
fn settled(seen: &Seen) -> bool {
    let view = &seen.view;
    match view.state {
        StateName::Completed => true,
        // What gave up is no longer wanted, and the project is not healthy without it.
        StateName::Failed => false,
        _ => view.ready || !view.wanted,
    }
}

/// Finds what the names of a command mean.
fn resolved(overview: &Overview, command: wire::Command) -> Result<(Command, Vec<InstanceId>), Problem> {
    let plan = &*overview.plan;
    Ok(match command {
        wire::Command::Start { names, no_deps } => {
            let instances = named(plan, names, |id| !plan.service_of(id).is_off())?;
            (Command::Start { instances: instances.clone(), no_deps }, instances)
        }
        wire::Command::Run { names, no_deps } => {
            // Whoever names a group or everything means that it be up, not that every backup run now.
            let alone = |name: &String| {
                plan.services.iter().any(|s| s.name.as_str() == name)
                    || plan.instances.iter().any(|i| *i.name == **name)
            };
            let each = names.iter().all(alone);
            let instances = named(plan, names, |id| !plan.service_of(id).is_off())?;
            let started = instances.clone();
            let command = match each {
                true => Command::Run { instances, no_deps },
                false => Command::Start { instances, no_deps },
            };
            (command, started)
        }
        wire::Command::Stop { names, no_deps } => {
            let instances = named(plan, names, |_| true)?;
            (Command::Stop { instances: instances.clone(), no_deps }, instances)
        }
        wire::Command::Restart { names, no_deps } => {
            let instances = named(plan, names, |id| !plan.service_of(id).is_off())?;
            (Command::Restart { instances: instances.clone(), no_deps }, instances)
        }
        wire::Command::Reload { names } => {
            let instances =
                named(plan, names, |id| reloads(plan, id) && overview.instances[id.0 as usize].view.wanted)?;
            (reload(plan, &instances)?, instances)
        }
        wire::Command::Shutdown { kill } => {
            (Command::Shutdown { kill }, plan.instances().map(|(id, _)| id).collect())
        }
    })
}

fn reloads(plan: &Plan, id: InstanceId) -> bool {
    plan.instance(id).launch.extras.as_ref().is_some_and(|extras| extras.reload.is_some())
}

/// Tells what can be told; replicas of what cannot are replaced.
fn reload(plan: &Plan, instances: &[InstanceId]) -> Result<Command, Problem> {
    let (told, rolled): (Vec<_>, Vec<_>) = instances.iter().partition(|id| reloads(plan, **id));
    let one = rolled.iter().map(|&id| plan.service_of(id));
    if let Some(service) = { one }.find(|service| service.instances.len() < 2 || service.kind == Kind::Task) {
        let name = &service.name;
        let help = match service.kind {
            Kind::Task => "a task reads it each time it runs".to_owned(),
            Kind::Service => format!("write `reload signal=SIGHUP` in it, or use `svc restart {name}`"),
        };
        return Err(problem(Code::NotReloadable, format!("`{name}` does not say how it reloads: {help}")));
    }
    Ok(Command::Reload { told, rolled })
}

/// Finds the instances that names mean, each once and in the order of the service file; `all` means
/// those that `in_all` accepts.
pub(crate) fn named(
    plan: &Plan,
    names: Vec<String>,
    in_all: impl Fn(InstanceId) -> bool,
) -> Result<Vec<InstanceId>, Problem> {
    if names.is_empty() {
        return Err(problem(Code::Malformed, "`names` is empty: name a service, or `all`"));
    }
    let mut found = Vec::new();
    let mut nobody = Vec::new();
    for name in names {
        let before = found.len();
        if name == "all" {
            found.extend(plan.instances().map(|(id, _)| id).filter(|&id| in_all(id)));
        } else {
            found.extend(plan.find(&name));
            if found.len() == before {
                nobody.push(name);
            }
        }
    }
    if !nobody.is_empty() {
        return Err(unknown(plan, nobody));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

pub(crate) fn unknown(plan: &Plan, names: Vec<String>) -> Problem {
    let known = || plan.names().chain(plan.instances().map(|(_, instance)| &*instance.name));
    let unknown: Vec<wire::Unknown> = names
        .into_iter()
        .map(|name| wire::Unknown { nearest: nearest(&name, known()).map(str::to_owned), name })
        .collect();
    let list: Vec<String> = unknown
        .iter()
        .map(|unknown| match &unknown.nearest {
            Some(nearest) => format!("`{}` (did you mean `{nearest}`?)", unknown.name),
            None => format!("`{}`", unknown.name),
        })
        .collect();
    let detail = format!("no service is called {}", list.join(", "));
    Problem { unknown, ..problem(Code::UnknownService, detail) }
}

/// Reads a body of JSON within its bounds.
pub(crate) async fn body<T: for<'a> Deserialize<'a>>(request: Request) -> Result<T, Problem> {
    let whole = Limited::new(request.into_body(), LARGEST_BODY).collect();
    let whole = tokio::time::timeout(BODY_TIMEOUT, whole).await.map_err(|_| {
        problem(Code::TooSlow, format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs()))
    })?;
    let whole = whole.map_err(|error| {
        if error.is::<LengthLimitError>() {
            problem(Code::TooLarge, "the body is larger than 64 KiB")
        } else {
            problem(Code::Malformed, format!("cannot read the body: {error}"))
        }
    })?;
    serde_json::from_slice(&whole.to_bytes()).map_err(|error| problem(Code::Malformed, error.to_string()))
}

pub(crate) fn problem(code: Code, detail: impl Into<String>) -> Problem {
    let status = match code {
        Code::UnknownService | Code::UnknownRoute => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Malformed | Code::UnknownSequence | Code::Ambiguous | Code::NotReloadable => {
            StatusCode::BAD_REQUEST
        }
        Code::InvalidFile => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::TooManyReaders | Code::Ending => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem { status: status.as_u16(), code, detail: detail.into(), unknown: Vec::new() }
}

impl From<Gone> for Problem {
    fn from(_: Gone) -> Self {
        problem(Code::Ending, "svc is ending")
    }
}

impl<T: Serialize> IntoResponse for Form<T> {
    fn into_response(self) -> Response {
        json("application/json", &self.0)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("`problem` takes it from a status");
        (status, json("application/problem+json", &self)).into_response()
    }
}

fn json(kind: &'static str, form: &impl Serialize) -> Response {
    let text = serde_json::to_vec(form).expect("every form can be written as JSON");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
