//! What is asked of instances beside what they are wanted to be: signals, probes, how they are made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};

use crate::base::Signal;
use crate::control::routes::{Answer, Context, Form, body, named, problem, unknown};
use crate::control::wire;
use crate::control::wire::{Code, Problem};
use crate::engine::action::Scope;
use crate::graph::InstanceId;
use crate::graph::plan::{Launch, Plan};
use crate::model::service::is_secret_name;
use crate::probe::{Class, Probe};
use crate::runtime::handle::Manner;

/// The shortest value that is taken for a secret: a shorter one may be any part of any text.
const SHORTEST_SECRET: usize = 4;

/// What is shown of what is not to be shown.
const HIDDEN: &str = "***";

/// Sends a signal.
pub(crate) async fn signal(State(context): State<Arc<Context>>, request: Request) -> Answer<wire::Signalled> {
    let order: wire::SignalOrder = body(request).await?;
    let plan = context.handle.overview().await?.plan;
    let signal = Signal::parse(&order.signal)
        .ok_or_else(|| problem(Code::Malformed, format!("`{}` is no signal", order.signal)))?;
    let instances = named(&plan, order.names, |_| true)?;
    let scope = match order.to {
        wire::Whom::Main => Scope::Main,
        wire::Whom::Group => Scope::Group,
        wire::Whom::Everything => Scope::Everything,
    };
    let reached = context.handle.signal(instances.clone(), signal, scope).await?;
    let (reached, missed): (Vec<InstanceId>, Vec<InstanceId>) =
        instances.into_iter().partition(|id| reached.contains(id));
    let names = |ids: Vec<InstanceId>| ids.iter().map(|&id| plan.instance(id).name.to_string()).collect();
    Ok(Form(wire::Signalled { instances: names(reached), not_running: names(missed) }))
}

/// Makes one attempt of each probe that is meant, one after the other.
pub(crate) async fn probe(State(context): State<Arc<Context>>, request: Request) -> Answer<wire::Probes> {
    let order: wire::ProbeOrder = body(request).await?;
    let plan = context.handle.overview().await?.plan;
    let mut probes = Vec::new();
    for id in named(&plan, order.names, |_| true)? {
        let instance = plan.instance(id);
        let Manner { env, .. } = context.handle.manner(id).await?;
        for (class, word, probe) in probes_of(&instance.launch) {
            if order.class.is_some_and(|asked| asked != word) {
                continue;
            }
            let begun = now();
            let answer = context.handle.probe(id, class).await?;
            let took = now().duration_since(begun);
            let (passed, detail, output) = match answer {
                Some(probed) => (probed.outcome.passed, probed.outcome.detail, probed.output),
                None => (false, "its process ended meanwhile".to_owned(), String::new()),
            };
            probes.push(wire::Probed {
                instance: instance.name.to_string(),
                class: word,
                probe: without_secrets(shown(probe), &env),
                passed,
                detail,
                output,
                took_ms: millis(took),
            });
        }
    }
    Ok(Form(wire::Probes { probes }))
}

/// Tells how the processes of an instance are made.
pub(crate) async fn launch(
    State(context): State<Arc<Context>>,
    Path(name): Path<String>,
) -> Answer<wire::Launch> {
    let plan = context.handle.overview().await?.plan;
    let id = one(&plan, name)?;
    let Manner { env, identity } = context.handle.manner(id).await?;
    let Launch { argv, working_dir, umask, .. } = &*plan.instance(id).launch;
    let variable = |entry: String| {
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        (name.to_owned(), value.to_owned())
    };
    Ok(Form(wire::Launch {
        instance: plan.instance(id).name.to_string(),
        argv: argv.iter().map(ToString::to_string).collect(),
        env: env.into_iter().map(variable).collect(),
        working_dir: working_dir.to_string_lossy().into_owned(),
        umask: *umask,
        identity: identity.map(|(uid, gid, groups)| wire::Identity { uid, gid, groups }),
    }))
}

/// Finds the one instance that a name means.
fn one(plan: &Plan, name: String) -> Result<InstanceId, Problem> {
    match *plan.find(&name).as_slice() {
        [id] => Ok(id),
        [] => Err(unknown(plan, vec![name])),
        [first, ..] => {
            let first = &plan.instance(first).name;
            let detail = format!("`{name}` has several instances: name one of them, as `{first}`");
            Err(problem(Code::Ambiguous, detail))
        }
    }
}

/// Returns the probes of an instance, in the order in which they count.
fn probes_of(launch: &Launch) -> impl Iterator<Item = (Class, wire::ProbeClass, &Probe)> {
    let all = [
        (Class::Startup, wire::ProbeClass::Startup, &launch.startup),
        (Class::Readiness, wire::ProbeClass::Readiness, &launch.readiness),
        (Class::Liveness, wire::ProbeClass::Liveness, &launch.liveness),
    ];
    all.into_iter().filter_map(|(class, word, probe)| Some((class, word, probe.as_ref()?)))
}

/// Shows what a probe asks: `tcp 127.0.0.1:80`.
fn shown(probe: &Probe) -> String {
    match probe {
        Probe::Notify => "notify".to_owned(),
        Probe::Fd(number) => format!("fd {number}"),
        Probe::Log(pattern) => format!("log {pattern}"),
        Probe::Tcp(address) => format!("tcp {address}"),
        Probe::Unix(path) => format!("unix {}", path.display()),
        Probe::Http(http) if http.secret => format!("http {}/{HIDDEN}", http.authority),
        Probe::Http(http) => format!("http {}", http.authority.to_string() + &http.path),
        Probe::Exec(exec) => {
            let words: Vec<&str> = exec.argv.iter().map(|word| &**word).collect();
            format!("exec {}", words.join(" "))
        }
        Probe::File(path) => format!("file {}", path.display()),
    }
}

/// Takes out of a text what variables hold that are not to be shown: `${TOKEN}` has been replaced in it.
fn without_secrets(mut text: String, env: &[String]) -> String {
    let entries = env.iter().filter_map(|entry| entry.split_once('='));
    for (_, value) in entries.filter(|(name, value)| is_secret_name(name) && value.len() >= SHORTEST_SECRET) {
        text = text.replace(value, HIDDEN);
    }
    text
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "how long an answer takes is what is asked")]
fn now() -> Instant {
    Instant::now()
}
