//! The last thing a person reads after a failure: what failed, why, its last words, and what to do next.

use std::fmt::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::context::Context;
use crate::cli::progress;
use crate::cli::session::Watch;
use crate::cli::source::{self, Source};
use crate::cli::style::{Paint, Style, word};
use crate::control::wire::{CauseKind, Detail, FailureStage, Instance, State};
use crate::diagnostic::{Diagnostic, Span};
use crate::graph::Plan;
use crate::graph::plan::{Address, Launch};
use crate::logs::format::{self, Formatter};
use crate::logs::read::{Query, Reader};
use crate::runtime::ports::{Holder, holder};

/// How many of its last lines are shown of a service that failed.
const LAST_LINES: usize = 5;
/// Of how many services that failed a full account is given.
const AT_MOST: usize = 5;

/// Tells what became of `names`. What cannot be learnt is left out: the failure itself was said already.
///
/// `foreground` says that the supervisor ends with this. With the service file at hand, a launch that failed is shown where the file asks for it.
pub async fn tell(
    context: &Context,
    watch: &Watch,
    names: &[String],
    source: Option<&Source>,
    foreground: bool,
) {
    let mut text = String::new();
    for name in roots(watch, names).iter().take(AT_MOST) {
        let Ok(service) = watch.door.service(name).await else { continue };
        for detail in &service.instances {
            let finding = source.and_then(|s| Some(source::one(context, place(detail, &s.plan)?, &s.map)));
            text += &one(detail, finding.as_deref(), foreground, Timestamp::now(), context.err);
        }
    }
    if names.len() > AT_MOST {
        let _ = writeln!(text, "… and {} more; `svc ps` shows all of them", names.len() - AT_MOST);
    }
    context.say(&text);
}

/// Returns a finding at the place of the file that a failed launch goes back to.
fn place(detail: &Detail, plan: &Plan) -> Option<Diagnostic> {
    let instance = &detail.instance;
    let failure = instance.cause.failure.as_ref()?;
    let launch = &plan.instance(*plan.find(&instance.name).first()?).launch;
    let taken = taken(launch);
    let span = match failure.stage {
        FailureStage::WorkingDirectory => launch.working_dir_span.unwrap_or(launch.command_span),
        FailureStage::User | FailureStage::Group => {
            launch.user.as_ref().map_or(launch.command_span, |user| user.span)
        }
        FailureStage::Listen => taken.as_ref().map_or(launch.command_span, |(span, _)| *span),
        _ => launch.command_span,
    };
    let reason = instance.cause.text.trim_start_matches("could not be started: ");
    let message = format!("`{}` cannot be started: {reason}", instance.name);
    let diagnostic = Diagnostic::error("svc::cannot-start", span, message);
    Some(match taken {
        Some((_, Some((port, Holder { pid, name })))) if failure.stage == FailureStage::Listen => {
            diagnostic.help(format!("{name} (pid {pid}) listens on port {port}"))
        }
        _ => diagnostic,
    })
}

/// Returns the place of the socket that was most probably not to be had, and who has its port.
fn taken(launch: &Launch) -> Option<(Span, Option<(u16, Holder)>)> {
    let sockets = &launch.extras.as_ref()?.sockets;
    let held = sockets.iter().find_map(|socket| match socket.address {
        Address::Tcp(_, port) => Some((socket.span, Some((port, holder(port)?)))),
        Address::Udp(..) | Address::Unix(..) => None,
    });
    held.or_else(|| Some((sockets.first()?.span, None)))
}

/// Leaves out those that only failed because another one of them did.
fn roots(watch: &Watch, names: &[String]) -> Vec<String> {
    let own = |name: &&String| {
        let Some((_, instance)) = watch.board.find(name) else { return true };
        let other = instance.cause.instance.as_ref();
        let because = instance.cause.kind == CauseKind::Neighbour && other.is_some_and(|o| o != *name);
        !because && instance.state != State::Waiting
    };
    let mut roots: Vec<String> = names.iter().filter(own).cloned().collect();
    for name in names {
        let cause = watch.board.find(name).and_then(|(_, instance)| instance.cause.instance.clone());
        let waited =
            watch.board.find(name).and_then(|(_, i)| i.waits_for.first().map(|w| w.instance.clone()));
        for root in [cause, waited].into_iter().flatten() {
            let failed = watch
                .board
                .find(&root)
                .is_some_and(|(_, i)| matches!(i.state, State::Failed | State::Backoff));
            if failed && !roots.contains(&root) {
                roots.push(root);
            }
        }
    }
    if roots.is_empty() { names.to_vec() } else { roots }
}

/// Tells about one instance.
fn one(detail: &Detail, finding: Option<&str>, foreground: bool, now: Timestamp, style: Style) -> String {
    let instance = &detail.instance;
    let mut text = String::new();
    let state = match instance.state {
        State::Failed => "failed".to_owned(),
        State::Backoff | State::Starting => {
            format!("failed {} times in a row; svc goes on trying", instance.failures_in_a_row)
        }
        _ => format!("is {}", word(instance)),
    };
    let _ = writeln!(text, "\n{} {state}", style.paint(Paint::Bad, &instance.name));
    let why = match progress::detail(instance, now) {
        why if why.is_empty() => instance.cause.text.clone(),
        why => why,
    };
    match finding {
        Some(finding) => text.push_str(finding),
        None => {
            let _ = writeln!(text, "  why:  {why}");
        }
    }
    if let Some(probe) = &instance.last_probe {
        let _ = writeln!(text, "  its last probe:  {probe}");
    }
    for (port, holder) in held(instance) {
        let _ = writeln!(text, "  port {port} is held by {} (process {})", holder.name, holder.pid);
    }
    let lines = last_lines(instance.log.as_deref(), LAST_LINES, style);
    if !lines.is_empty() {
        text.push_str("  its last output:\n");
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
    }
    let name = &instance.name;
    if foreground {
        let _ = writeln!(text, "  next: mend it, then `svc up` again; `svc logs {name}` shows all it said");
    } else {
        let _ =
            writeln!(text, "  next: `svc why {name}`, `svc logs {name}`; once mended, `svc restart {name}`");
    }
    text
}

/// Returns the ports of an instance that somebody else listens on.
fn held(instance: &Instance) -> Vec<(u16, Holder)> {
    let ports = instance.ports.iter().map(|port| port.number);
    let foreign = |(_, holder): &(u16, Holder)| Some(holder.pid) != instance.pid;
    ports.filter_map(|port| Some((port, holder(port)?))).filter(foreign).collect()
}

/// Returns the last lines of a log, made harmless; none when it cannot be read.
pub fn last_lines(log: Option<&str>, count: usize, style: Style) -> Vec<String> {
    let Some(log) = log else { return Vec::new() };
    let query = Query { last: Some(count), ..Query::default() };
    let Ok(reader) = Reader::open(&[PathBuf::from(log)], &query) else { return Vec::new() };
    let shown = format::Style { color: style.colour, prefix: false, time: false, raw: false };
    let mut formatter = Formatter::new(shown, Vec::new());
    let mut bytes = Vec::new();
    for line in reader {
        if formatter.write(&line, &mut bytes).is_err() {
            break;
        }
    }
    // Writing into memory does not fail.
    let _ = formatter.end(&mut bytes);
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{cause, instance, now};

    #[test]
    fn a_failure_is_told_with_its_reason_its_last_words_and_what_to_do() {
        let dir = tempfile::tempdir().expect("temp dir");
        let log = dir.path().join("web.log");
        std::fs::write(&log, "starting\nport 80: permission denied\n").expect("write");
        let mut web = instance("web", State::Failed);
        web.cause = cause(CauseKind::GaveUp, "gave up after 5 restarts: exited with code 1");
        web.log = Some(log.display().to_string());
        let detail =
            Detail { instance: web, why: Vec::new(), depends_on: Vec::new(), dependents: Vec::new() };
        insta::assert_snapshot!(one(&detail, None, false, now(), Style::PLAIN), @"

        web failed
          why:  gave up after 5 restarts: exited with code 1
          its last output:
            starting
            port 80: permission denied
          next: `svc why web`, `svc logs web`; once mended, `svc restart web`
        ");
    }
}
