//! `svc why`.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::duration::Rough;
use crate::cli::account::last_lines;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::groups;
use crate::cli::progress::between;
use crate::cli::runs;
use crate::cli::session;
use crate::cli::source::declared;
use crate::cli::style::{Paint, Style, paint_of, word};
use crate::cli::tasks;
use crate::control::wire::{Dependency, Detail, State};

/// How many of the last lines of the log are shown.
const LAST_LINES: usize = 5;

/// Say why a service is in the state it is in
///
/// The chain of causes from the root to the present, what it waits for, how its last process ended, what the
/// last probe saw, what comes next, and its last lines of output.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The service or instance (`api`, `api.0`)
    #[arg(value_name = "SVC")]
    name: String,
}

/// Tells why.
///
/// # Errors
///
/// No supervisor runs, or the name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, std::slice::from_ref(&args.name), |context, _| tell(context, &args.name))
}

fn tell(context: &Context, name: &str) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    let service = session::block_on(async {
        let door = session::connect(context, &project).await?;
        Ok(door.service(name).await?)
    })?;
    let zone = TimeZone::system();
    let mut text = String::new();
    for (index, detail) in service.instances.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let lines = last_lines(detail.instance.log.as_deref(), LAST_LINES, context.out);
        let declared = declared(context, &project.file, &detail.instance.name);
        text += &render(detail, declared, &lines, Timestamp::now(), &zone, context.out);
    }
    context.print(&text)?;
    Ok(Exit::Done)
}

fn render(
    detail: &Detail,
    declared: Option<String>,
    lines: &[String],
    now: Timestamp,
    zone: &TimeZone,
    style: Style,
) -> String {
    let instance = &detail.instance;
    let mut text = format!(
        "{} is {} since {} ({} ago)\n",
        style.paint(Paint::Bold, &instance.name),
        style.paint(paint_of(instance), word(instance)),
        instance.since.to_zoned(zone.clone()).strftime("%H:%M:%S"),
        Rough(between(instance.since, now)),
    );
    if let Some(description) = &instance.description {
        let _ = writeln!(text, "{}", style.paint(Paint::Dim, description));
    }
    if !detail.why.is_empty() {
        section(&mut text, style, "why");
        let width = detail.why.iter().map(|step| step.instance.chars().count()).max().unwrap_or(0);
        for step in &detail.why {
            let at = match step.at {
                Some(at) => at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
                None => String::new(),
            };
            let at = style.paint(Paint::Dim, &format!("{at:8}"));
            let _ = writeln!(text, "  {at}  {:<width$}  {}", step.instance, step.text);
        }
    }
    let mut facts: Vec<(&str, String)> = Vec::new();
    for wait in &instance.waits_for {
        facts.push(("waits for", wait.text.clone()));
    }
    if let Some(exit) = &instance.exit {
        let times = match instance.failures_in_a_row {
            0 | 1 => String::new(),
            count => format!(", {count} failures in a row"),
        };
        facts.push(("last exit", format!("{exit}{times}")));
    }
    if let Some(probe) = &instance.last_probe {
        facts.push(("last probe", probe.clone()));
    }
    if let Some(due) = instance.due.as_ref().filter(|_| instance.state != State::Scheduled) {
        facts.push(("next", format!("{} in {}", due.text, Rough(between(now, due.at)))));
    }
    if instance.restarts > 0 {
        facts.push(("restarts", instance.restarts.to_string()));
    }
    if !detail.depends_on.is_empty() {
        facts.push(("depends on", neighbours(&detail.depends_on)));
    }
    if !detail.dependents.is_empty() {
        facts.push(("needed by", neighbours(&detail.dependents)));
    }
    facts.push(("command", instance.command.clone()));
    if let Some(declared) = declared {
        facts.push(("declared", declared));
    }
    if let Some(log) = &instance.log {
        facts.push(("log", log.clone()));
    }
    if let Some(log) = &instance.stderr_log {
        facts.push(("log of stderr", log.clone()));
    }
    if let Some(unwatched) = &instance.unwatched {
        facts.push(("watch", unwatched.clone()));
    }
    if let Some(unlimited) = &instance.unlimited {
        facts.push(("limits", groups::line(unlimited)));
    }
    if let Some(at) = instance.next_run {
        let next = tasks::next_run(at, now, zone);
        facts.push(("schedule", format!("{next}, in {}", Rough(between(now, at)))));
    }
    section(&mut text, style, "facts");
    let width = facts.iter().map(|(title, _)| title.len()).max().unwrap_or(0);
    for (title, fact) in facts {
        let title = style.paint(Paint::Dim, &format!("{title:<width$}"));
        let _ = writeln!(text, "  {title}  {fact}");
    }
    if !instance.runs.is_empty() {
        section(&mut text, style, "last runs");
        for run in tasks::history(&instance.runs, zone) {
            let _ = writeln!(text, "  {run}");
        }
    }
    if !lines.is_empty() {
        section(&mut text, style, "last lines");
        for line in lines {
            let _ = writeln!(text, "  {} {line}", style.paint(Paint::Dim, "|"));
        }
    }
    text
}

fn section(text: &mut String, style: Style, title: &str) {
    let _ = writeln!(text, "\n{}", style.paint(Paint::Bold, title));
}

fn neighbours(list: &[Dependency]) -> String {
    let one = |other: &Dependency| format!("{} ({})", other.instance, other.state);
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{ago, cause, instance, now};
    use crate::control::wire::{CauseKind, Due, Exit, Step};
    use jiff::SignedDuration;

    #[test]
    fn the_page_tells_the_chain_the_facts_and_the_last_lines() {
        let mut api = instance("api.0", State::Backoff);
        api.cause = cause(CauseKind::Exit, "exited with code 3");
        api.exit = Some(Exit::Code(3));
        api.failures_in_a_row = 4;
        api.restarts = 3;
        let at = now() + SignedDuration::from_millis(3_100);
        api.due = Some(Due { at, text: "starts again".to_owned() });
        api.last_probe = Some("connection refused".to_owned());
        api.log = Some("/var/log/svc/shop/api.0.log".to_owned());
        let step = |instance: &str, text: &str| Step {
            instance: instance.to_owned(),
            at: Some(ago(2_000)),
            text: text.to_owned(),
        };
        let detail = Detail {
            instance: api,
            why: vec![step("api.0", "exited with code 3"), step("api.0", "waits for its next start")],
            depends_on: vec![Dependency {
                instance: "db".to_owned(),
                condition: Some("ready".to_owned()),
                required: true,
                state: State::Ready,
            }],
            dependents: Vec::new(),
        };
        let lines = ["cannot bind: address in use".to_owned()];
        insta::assert_snapshot!(render(&detail, Some("services.kdl:12:9".to_owned()), &lines, now(), &TimeZone::UTC, Style::PLAIN), @"
        api.0 is backoff since 11:59:58 (2.0s ago)

        why
          11:59:58  api.0  exited with code 3
          11:59:58  api.0  waits for its next start

        facts
          last exit   exited with code 3, 4 failures in a row
          last probe  connection refused
          next        starts again in 3.1s
          restarts    3
          depends on  db (ready)
          command     ./api.0
          declared    services.kdl:12:9
          log         /var/log/svc/shop/api.0.log

        last lines
          | cannot bind: address in use
        ");
    }
}
