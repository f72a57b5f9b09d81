//! `svc events`.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::context::Context;
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::{choose, json};
use crate::cli::session;
use crate::cli::signals::Signals;
use crate::cli::style::{Paint, Style};
use crate::cli::time;
use crate::control::wire::{Event, Happening, RequestResult, State};
use crate::control::{CallError, EventStream};
use crate::runtime::Project;

/// Show what happened: every change of state, with what led to it
///
/// The supervisor keeps the last 2048 events. With -f it goes on with what happens from now on, also when
/// the supervisor's engine is replaced, until Ctrl-C or the end of the supervisor.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services or instances (`api`, `api.0`); everything when none is named
    #[arg(value_name = "SVC")]
    names: Vec<String>,

    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,

    /// Only this many of the last ones [default: all; with -f, 10]
    #[arg(short = 'n', long, value_name = "EVENTS")]
    lines: Option<usize>,

    /// Only events from this time on: `10m` ago, or a time as in RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// How to print
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// The forms of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for people
    #[default]
    Text,
    /// One object a line, `svc.event/1`
    Json,
}

/// Shows events.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    let since = args.since.as_deref().map(|text| time::past(text, Timestamp::now())).transpose()?;
    let last = args.lines.or((args.follow && since.is_none()).then_some(10));
    let project = session::project(context)?;
    session::block_on(async {
        let door = session::connect(context, &project).await?;
        let wanted = Wanted { instances: instances(&door, &args.names).await?, since };
        let shown = |event: &Event| match form {
            Format::Json => json(event),
            Format::Text => line(event, &TimeZone::system(), context.out),
        };
        let mut past = door.past_events().await?;
        let mut kept = VecDeque::new();
        let mut at = 0;
        while let Some(event) = past.next().await? {
            at = event.sequence;
            // What is no longer kept was not asked for.
            let missed = matches!(event.happening, Happening::Missed { .. });
            if wanted.has(&event) && !missed {
                kept.push_back(event);
            }
            if last.is_some_and(|last| kept.len() > last) {
                kept.pop_front();
            }
        }
        context.print(&kept.iter().map(shown).collect::<String>())?;
        if !args.follow {
            return Ok(Exit::Done);
        }
        let mut signals = Signals::take()?;
        let mut stream = door.events(at).await?;
        // What a new engine has not seen, nobody has missed.
        let mut new = false;
        loop {
            tokio::select! {
                event = stream.next() => match event {
                    Ok(Some(event)) => {
                        let void = std::mem::take(&mut new) && matches!(event.happening, Happening::Missed { .. });
                        if wanted.has(&event) && !void {
                            context.print(&shown(&event))?;
                        }
                        if matches!(event.happening, Happening::Ended { .. }) {
                            return Ok(Exit::Done);
                        }
                    }
                    Ok(None) | Err(CallError::HungUp(_)) => {
                        stream = again(context, &project).await?;
                        new = true;
                    }
                    Err(error) => return Err(error.into()),
                },
                interrupt = signals.next() => return Ok(interrupt.exit()),
            }
        }
    })
}

/// Goes on with the engine that took over.
async fn again(context: &Context, project: &Project) -> Result<EventStream, Trouble> {
    let door = session::connect(context, project).await?;
    Ok(door.events(0).await?)
}

/// Turns names into those of instances; `None` for everything.
async fn instances(door: &Door, names: &[String]) -> Result<Option<Vec<String>>, Trouble> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for name in names {
        found.extend(door.service(name).await?.instances.into_iter().map(|detail| detail.instance.name));
    }
    Ok(Some(found))
}

/// Which events are shown.
struct Wanted {
    instances: Option<Vec<String>>,
    since: Option<Timestamp>,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        let late = self.since.is_none_or(|since| event.at >= since);
        let about = match (&self.instances, &event.happening) {
            (None, _) => true,
            (
                Some(names),
                Happening::Transition { instance, .. }
                | Happening::Reloaded { instance, .. }
                | Happening::FilesChanged { instance, .. }
                | Happening::Unwatched { instance, .. }
                | Happening::LogGap { instance, .. },
            ) => names.contains(instance),
            (Some(names), Happening::PlanChanged { added, removed, changed }) => {
                [added, removed, changed].into_iter().flatten().any(|name| names.contains(name))
            }
            (Some(_), Happening::RequestEnded { .. }) => false,
            (Some(_), Happening::Missed { .. } | Happening::Ended { .. }) => true,
        };
        late && about
    }
}

/// Writes an event for people.
fn line(event: &Event, zone: &TimeZone, style: Style) -> String {
    let at = event.at.to_zoned(zone.clone()).strftime("%F %T%.3f").to_string();
    let at = style.paint(Paint::Dim, &at);
    let bold = |name: &str| style.paint(Paint::Bold, name);
    let text = match &event.happening {
        Happening::Transition { instance, from, to, cause } => {
            let to = style.paint(paint(*to), to.word());
            format!("{}  {from} -> {to}: {}", bold(instance), cause.text)
        }
        Happening::RequestEnded { request, result, failed } => {
            let result = match result {
                RequestResult::Done => "is done".to_owned(),
                RequestResult::Failed => format!("failed: {}", failed.join(", ")),
                RequestResult::Superseded => "was superseded by another".to_owned(),
                RequestResult::RolledBack => format!("was taken back: {} did not come up", failed.join(", ")),
            };
            format!("request {request} {result}")
        }
        Happening::PlanChanged { added, removed, changed } => {
            let parts = [("new", added), ("gone", removed), ("changed", changed)];
            let parts = parts.iter().filter(|(_, names)| !names.is_empty());
            let parts: Vec<String> =
                parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
            format!("another plan is in force: {}", parts.join("; "))
        }
        Happening::Reloaded { instance, failure: None } => format!("{}  reloaded", bold(instance)),
        Happening::Reloaded { instance, failure: Some(why) } => {
            format!("{}  could not be reloaded: {why}", bold(instance))
        }
        Happening::FilesChanged { instance, path } => format!("{}  `{path}` changed", bold(instance)),
        Happening::Unwatched { instance, reason } => format!("{}  {reason}", bold(instance)),
        Happening::LogGap { instance, bytes, reason } => {
            format!("{}  its log: {reason}, {bytes} bytes lost", bold(instance))
        }
        Happening::Missed { count } => format!("{count} events are no longer known"),
        Happening::Ended { code: None } => "svc has ended".to_owned(),
        Happening::Ended { code: Some(code) } => format!("svc has ended with code {code}"),
    };
    format!("{at}  {text}\n")
}

const fn paint(state: State) -> Paint {
    match state {
        State::Inactive | State::Disabled => Paint::Dim,
        State::Waiting | State::Starting | State::Stopping => Paint::Busy,
        State::Ready | State::Scheduled | State::Completed => Paint::Good,
        State::Unhealthy | State::Backoff | State::Failed => Paint::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{cause, now};
    use crate::control::wire::CauseKind;

    fn event(happening: Happening) -> Event {
        Event { sequence: 1, at: now(), happening }
    }

    #[test]
    fn an_event_says_when_whose_what_and_why() {
        let transition = event(Happening::Transition {
            instance: "api.0".to_owned(),
            from: State::Ready,
            to: State::Backoff,
            cause: cause(CauseKind::Exit, "exited with code 3"),
        });
        let failed = event(Happening::RequestEnded {
            request: 7,
            result: RequestResult::Failed,
            failed: vec!["db".to_owned()],
        });
        let shown: String =
            [transition, failed].iter().map(|event| line(event, &TimeZone::UTC, Style::PLAIN)).collect();
        insta::assert_snapshot!(shown, @"
        2026-03-01 12:00:00.000  api.0  ready -> backoff: exited with code 3
        2026-03-01 12:00:00.000  request 7 failed: db
        ");
    }
}
