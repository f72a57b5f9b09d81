//! `svc ps`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::duration::Rough;
use crate::cli::change;
use crate::cli::context::{Context, columns};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::groups;
use crate::cli::output::{choose, json};
use crate::cli::progress::{between, detail};
use crate::cli::runs::{self, Run as Started};
use crate::cli::session;
use crate::cli::style::{Paint, Style, paint_of, word};
use crate::cli::table::{Align, Cell, Table};
use crate::cli::tasks;
use crate::control::wire::{Groups, Instance, Kind, Scaled, Services, State};

/// Show what runs and how it is
///
/// Without -a, only what is wanted, runs or went wrong is shown. The exit code is 3 when something that is
/// asked for is not ready, so that a script can tell; a task that completed counts as ready.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`); all of them when none is named
    #[arg(value_name = "SVC")]
    names: Vec<String>,

    /// Show everything, also what is disabled or was never started
    #[arg(short, long)]
    all: bool,

    /// Print only names
    #[arg(short, long)]
    quiet: bool,

    /// How to print
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Show only what is in this state; may be given several times
    #[arg(long, value_name = "STATE")]
    state: Vec<StateWord>,

    /// Show the commands that `svc run` started, from whichever folder; without a service file here this is
    /// what is shown anyway
    #[arg(long)]
    run: bool,
}

/// The forms of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// What matters, aligned
    #[default]
    Table,
    /// Also process ids, last exits, commands and logs
    Wide,
    /// One object, `svc.ps/1`
    Json,
    /// One name a line
    Name,
}

/// A state as it is typed.
#[derive(Clone, Copy, Debug)]
struct StateWord(State);

impl std::str::FromStr for StateWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [
            State::Inactive,
            State::Disabled,
            State::Waiting,
            State::Scheduled,
            State::Starting,
            State::Ready,
            State::Unhealthy,
            State::Stopping,
            State::Backoff,
            State::Completed,
            State::Failed,
        ];
        known.into_iter().find(|state| state.word() == text).map(Self).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|state| state.word()).collect();
            format!("the states are {}", words.join(", "))
        })
    }
}

/// Shows the instances.
///
/// # Errors
///
/// No supervisor runs, or a name is not known.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = if args.quiet { Format::Name } else { choose(context, args.output)? };
    let runs = runs::running(context);
    let of_runs = args.run || (!runs.is_empty() && context.service_file().is_err());
    if of_runs && args.names.is_empty() {
        return show(context, args, form, look_at_runs(&runs)?, true);
    }
    let exit = runs::each(context, &args.names, |context, names| {
        show(context, args, form, look(context, names)?, false)
    })?;
    if form == Format::Table && args.names.is_empty() && !runs.is_empty() {
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        context.say(&format!("besides, `svc run` started {} (`svc ps --run`)\n", names.join(", ")));
    }
    Ok(exit)
}

/// Asks how a project is; with names, how these are.
fn look(context: &Context, names: &[String]) -> Result<Services, Trouble> {
    session::block_on(async {
        let door = session::connect(context, &session::project(context)?).await?;
        let mut services = door.services().await?;
        if !names.is_empty() {
            let mut named: Vec<String> = Vec::new();
            for name in names {
                named.extend(door.service(name).await?.instances.into_iter().map(|d| d.instance.name));
            }
            services.instances.retain(|instance| named.contains(&instance.name));
        }
        Ok(services)
    })
}

/// Asks how all runs are; one that ends meanwhile is left out.
fn look_at_runs(runs: &[Started]) -> Result<Services, Trouble> {
    session::block_on(async {
        let mut all = Services {
            project: "run".to_owned(),
            sequence: 0,
            groups: Groups::default(),
            instances: Vec::new(),
        };
        for run in runs {
            if let Ok(door) = Door::reach(&run.project).await
                && let Ok(services) = door.services().await
            {
                all.groups = services.groups;
                all.instances.extend(services.instances);
            }
        }
        Ok(all)
    })
}

/// Prints what matters of it.
fn show(
    context: &Context,
    args: &Args,
    form: Format,
    mut services: Services,
    of_runs: bool,
) -> Result<Exit, Trouble> {
    let everything = args.all || !args.names.is_empty() || !args.state.is_empty();
    let hidden = services.instances.len();
    services.instances.retain(|instance| {
        let everything = everything || of_runs;
        let state = args.state.is_empty() || args.state.iter().any(|word| word.0 == instance.state);
        state && (everything || matters(instance))
    });
    let hidden = hidden - services.instances.len();
    context.print(&match form {
        Format::Json => json(&services),
        Format::Name => services.instances.iter().map(|instance| format!("{}\n", instance.name)).collect(),
        Format::Table | Format::Wide => {
            let columns = columns(std::io::stdout());
            let extent = match form {
                Format::Wide => Extent::Wide,
                _ if of_runs => Extent::Commands,
                _ => Extent::Usual,
            };
            render(&services, extent, Timestamp::now(), &TimeZone::system(), context.out, columns)
        }
    })?;
    if matches!(form, Format::Table | Format::Wide) {
        context.say(&change::scaled(&scaled(&services)));
        context.say(&groups::below_list(&services));
        context.say(&unwatched(&services));
    }
    if form == Format::Wide {
        context.say(&groups::how_found(&services.groups));
    }
    if services.instances.is_empty() && hidden > 0 && form == Format::Table {
        context.say(&format!("nothing runs; `svc ps -a` lists the {hidden} that could\n"));
    }
    Ok(verdict(&services))
}

fn matters(instance: &Instance) -> bool {
    instance.wanted || !matches!(instance.state, State::Inactive | State::Disabled) || instance.exit.is_some()
}

/// Lists the services that have another number of instances than the service file says.
fn scaled(services: &Services) -> Vec<Scaled> {
    let mut all: Vec<Scaled> = services.instances.iter().filter_map(|i| i.scaled.clone()).collect();
    all.dedup();
    all
}

/// Says of whom changes of watched files are not all seen, or lead to nothing.
fn unwatched(services: &Services) -> String {
    let of = |instance: &Instance| {
        instance.unwatched.as_ref().map(|reason| format!("{}: {reason}\n", instance.name))
    };
    services.instances.iter().filter_map(of).collect()
}

/// Something shown that is wanted and not well makes the exit code 3.
fn verdict(services: &Services) -> Exit {
    let bad = |instance: &Instance| match instance.state {
        State::Ready | State::Scheduled | State::Completed => false,
        State::Failed | State::Unhealthy => true,
        _ => instance.wanted,
    };
    if services.instances.iter().any(bad) { Exit::NotReady } else { Exit::Done }
}

/// How much of an instance a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// What matters.
    Usual,
    /// Also what was typed, since that is all there is to a run.
    Commands,
    /// Everything.
    Wide,
}

/// Renders the table: a column nobody needs is not there.
fn render(
    services: &Services,
    extent: Extent,
    now: Timestamp,
    zone: &TimeZone,
    style: Style,
    columns: Option<usize>,
) -> String {
    let cells = |cell: &dyn Fn(&Instance) -> Cell| services.instances.iter().map(cell).collect();
    let plain = |text: &dyn Fn(&Instance) -> String| cells(&|instance| Cell::plain(text(instance)));
    let mut table = Table::default();
    table.column("NAME", Align::Left, cells(&|instance| Cell::painted(&instance.name, Paint::Bold)));
    table.column("STATE", Align::Left, cells(&|instance| Cell::painted(word(instance), paint_of(instance))));
    let age = |instance: &Instance| Rough(between(instance.since, now)).to_string();
    table.column("FOR", Align::Right, plain(&age));
    let some = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    table.column("RESTARTS", Align::Right, plain(&|instance| some(instance.restarts)));
    let pid = |instance: &Instance| instance.pid.map(|pid| pid.to_string()).unwrap_or_default();
    table.column("PID", Align::Right, plain(&pid));
    table.column("PORTS", Align::Left, plain(&ports));
    if extent == Extent::Wide {
        let took = |i: &Instance| i.took_ms.map(|ms| Rough(Duration::from_millis(ms)).to_string());
        table.column("START", Align::Right, plain(&|instance| took(instance).unwrap_or_default()));
        let exit = |i: &Instance| i.exit.as_ref().map(ToString::to_string).unwrap_or_default();
        table.column("LAST EXIT", Align::Left, plain(&exit));
        table.column("LOG", Align::Left, plain(&|instance| instance.log.clone().unwrap_or_default()));
    }
    if extent != Extent::Usual {
        table.column("COMMAND", Align::Left, plain(&|instance| instance.command.clone()));
    }
    table.column("DETAIL", Align::Left, cells(&|i| Cell::painted(remark(i, now, zone), Paint::Dim)));
    // A wide table is for those who want all of it, wherever it breaks.
    table.render(style, columns.filter(|_| extent != Extent::Wide))
}

fn ports(instance: &Instance) -> String {
    let port = |port: &crate::control::wire::Port| match port.name.as_str() {
        "" => port.number.to_string(),
        name => format!("{name}={}", port.number),
    };
    instance.ports.iter().map(port).collect::<Vec<_>>().join(" ")
}

fn remark(instance: &Instance, now: Timestamp, zone: &TimeZone) -> String {
    if let (Some(next), State::Scheduled | State::Ready) = (instance.next_run, instance.state) {
        let last = instance.runs.last().map(|run| tasks::last_run(run, now));
        let parts = [Some(tasks::next_run(next, now, zone)), last];
        return parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    }
    let detail = detail(instance, now);
    match (instance.kind, instance.state) {
        (Kind::Task, _) if detail.is_empty() => "task".to_owned(),
        (_, State::Inactive) if instance.wanted => "waits to be started".to_owned(),
        _ => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{ago, cause, instance, now, services, waits};
    use crate::control::wire::{CauseKind, Port, Run, RunResult};

    fn shop() -> Services {
        let mut db = instance("db", State::Ready);
        db.since = ago(3_725_000);
        db.ports = vec![Port { name: String::new(), number: 5432 }];
        let mut migrate = instance("migrate", State::Completed);
        migrate.kind = Kind::Task;
        let mut api = instance("api.0", State::Backoff);
        api.restarts = 12;
        api.cause = cause(CauseKind::Exit, "exited with code 3");
        services(1, vec![db, migrate, api, waits("web", "api.0")])
    }

    #[test]
    fn the_table_has_the_columns_that_somebody_needs() {
        insta::assert_snapshot!(render(&shop(), Extent::Usual, now(), &TimeZone::UTC, Style::PLAIN, Some(80)), @"
        NAME     STATE        FOR  RESTARTS   PID  PORTS  DETAIL
        db       ready      1h02m            4711  5432
        migrate  completed   2.0s                         task
        api.0    backoff     2.0s        12               exited with code 3
        web      waiting     2.0s                         for api.0 to be ready
        ");
    }

    #[test]
    fn a_scheduled_task_says_when_it_runs_next_and_how_it_ran() {
        let mut backup = instance("backup", State::Scheduled);
        backup.kind = Kind::Task;
        backup.next_run = Some(now() + jiff::SignedDuration::from_hours(3));
        let fresh = backup.clone();
        backup.runs = vec![Run { at: ago(15_000), took_ms: 3_000, result: RunResult::Succeeded, exit: None }];
        let shop = services(1, vec![fresh, backup]);
        insta::assert_snapshot!(render(&shop, Extent::Usual, now(), &TimeZone::UTC, Style::PLAIN, Some(80)), @"
        NAME    STATE       FOR  DETAIL
        backup  scheduled  2.0s  next at 15:00
        backup  scheduled  2.0s  next at 15:00, last run ok 12s ago
        ");
        assert_eq!(verdict(&shop), Exit::Done);
    }

    #[test]
    fn the_table_fits_80_columns() {
        for line in render(&shop(), Extent::Usual, now(), &TimeZone::UTC, Style::PLAIN, Some(80)).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn what_is_wanted_and_not_ready_makes_the_exit_code_3() {
        assert_eq!(verdict(&shop()), Exit::NotReady);
        assert_eq!(verdict(&services(1, vec![instance("db", State::Ready)])), Exit::Done);
        let mut off = instance("off", State::Inactive);
        off.wanted = false;
        assert_eq!(verdict(&services(1, vec![off])), Exit::Done);
    }
}
