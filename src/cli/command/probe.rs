//! `svc probe`.

use std::fmt::Write;
use std::time::Duration;

use crate::base::duration::Rough;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::{choose, json};
use crate::cli::runs;
use crate::cli::session;
use crate::cli::style::{Paint, Style};
use crate::control::wire::{ProbeClass, ProbeOrder, Probed, Probes};

/// Run the probes of a service now and show what they see
///
/// One attempt of each probe it has, in the service's environment, whether it runs or not. svc draws no
/// conclusion from it. A readiness that the service announces by itself is told as it is known. Exits with
/// 0 when all pass, with 1 when one does not.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services or instances (`api`, `api.0`)
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// Only this one
    #[arg(long, value_name = "KIND")]
    only: Option<Only>,

    /// How to print
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// The probes a service can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// Has a slow starter come up at all
    Startup,
    /// Can it do its work
    Readiness,
    /// Is it alive
    Liveness,
}

/// The forms of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line a probe, and what its command wrote
    #[default]
    Text,
    /// One object, `svc.probes/1`
    Json,
}

/// Makes one attempt of each probe.
///
/// # Errors
///
/// No supervisor runs, a name is not known, or there is no such probe.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    runs::each(context, &args.names, |context, names| {
        let class = args.only.map(|only| match only {
            Only::Startup => ProbeClass::Startup,
            Only::Readiness => ProbeClass::Readiness,
            Only::Liveness => ProbeClass::Liveness,
        });
        let order = ProbeOrder { names: names.to_owned(), class };
        let project = session::project(context)?;
        let answer = session::block_on(async {
            let door = session::connect(context, &project).await?;
            Ok(door.probe(&order).await?)
        })?;
        if answer.probes.is_empty() {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let kind = class.map(|class| format!("{} ", word(class))).unwrap_or_default();
            return Err(Trouble::new(Exit::Failed, format!("no {kind}probe: {}", names.join(", "))));
        }
        context.print(&match form {
            Format::Json => json(&answer),
            Format::Text => render(&answer, context.out),
        })?;
        Ok(if answer.probes.iter().all(|probe| probe.passed) { Exit::Done } else { Exit::Failed })
    })
}

fn render(answer: &Probes, style: Style) -> String {
    let mut text = String::new();
    for Probed { instance, class, probe, passed, detail, output, took_ms } in &answer.probes {
        let verdict = match passed {
            true => style.paint(Paint::Good, "passed"),
            false => style.paint(Paint::Bad, "failed"),
        };
        let took = Rough(Duration::from_millis(*took_ms));
        let detail = if detail == "passed" { String::new() } else { format!(": {detail}") };
        let class = word(*class);
        let _ = writeln!(text, "{instance} {class} ({probe}) {verdict} after {took}{detail}");
        for line in output.lines() {
            let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
            let _ = writeln!(text, "  {} {line}", style.paint(Paint::Dim, "|"));
        }
    }
    text
}

const fn word(class: ProbeClass) -> &'static str {
    match class {
        ProbeClass::Startup => "startup",
        ProbeClass::Readiness => "readiness",
        ProbeClass::Liveness => "liveness",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_told_with_what_it_asked_what_it_saw_and_what_it_wrote() {
        let passed = Probed {
            instance: "api.0".to_owned(),
            class: ProbeClass::Readiness,
            probe: "tcp 127.0.0.1:80".to_owned(),
            passed: true,
            detail: "passed".to_owned(),
            output: String::new(),
            took_ms: 12,
        };
        let failed = Probed {
            class: ProbeClass::Liveness,
            probe: "exec ./alive".to_owned(),
            passed: false,
            detail: "exit code 2: no\u{1b}".to_owned(),
            output: "looking\nno\u{1b}\n".to_owned(),
            took_ms: 1200,
            ..passed.clone()
        };
        let failed = Probed { detail: "exit code 2: no".to_owned(), ..failed };
        insta::assert_snapshot!(render(&Probes { probes: vec![passed, failed] }, Style::PLAIN), @"
        api.0 readiness (tcp 127.0.0.1:80) passed after 12ms
        api.0 liveness (exec ./alive) failed after 1.2s: exit code 2: no
          | looking
          | no
        ");
    }
}
