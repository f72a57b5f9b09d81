//! `svc up`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::Name;
use crate::base::duration::{self, Exact};
use crate::cli::account;
use crate::cli::command::apply::converge;
use crate::cli::command::down::{shut_down, until_free};
use crate::cli::command::scale::{count, wire_of};
use crate::cli::container;
use crate::cli::context::{Context, Verbosity};
use crate::cli::door::Door;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::groups;
use crate::cli::operate::{Operation, Verdict};
use crate::cli::progress;
use crate::cli::request::{conclude, goes_with};
use crate::cli::screen::Screen;
use crate::cli::session::{self, Change, Watch};
use crate::cli::signals::{Interrupt, Signals};
use crate::cli::source::{self, Source};
use crate::cli::stream::Stream;
use crate::control::ConnectError;
use crate::control::wire::{Command, Happening, Proposal, State};
use crate::logs::format::{self, Formatter};
use crate::logs::read::Query;
use crate::runtime::project::TRANSIENT;
use crate::runtime::{Before, Inherited, Project, boot};

/// Start everything in order, with what it depends on, and show its output
///
/// Stays in the foreground until Ctrl-C, which stops everything in order; a second Ctrl-C skips the grace
/// periods. With -d it returns as soon as everything asked for is ready, and svc goes on behind it. A service
/// without a readiness has to run for 250 ms to count as up. Exits with 1 as soon as something asked for has failed for good or five times in a row.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`); everything that is not disabled and in an active profile when none is named
    #[arg(value_name = "SVC")]
    names: Vec<String>,

    /// Return when everything asked for is ready; svc goes on
    #[arg(short, long)]
    detach: bool,

    /// With -d: return at once
    #[arg(long, requires = "detach", conflicts_with = "timeout")]
    no_wait: bool,

    /// With -d: return when everything asked for is ready, as it does anyway
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,

    /// Wait at most this long for it to be ready, then exit with 124
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,

    /// Leave dependencies alone and do not wait for them
    #[arg(long)]
    no_deps: bool,

    /// So many instances of a service, as with `svc scale`
    #[arg(long, value_name = "SVC=N", value_parser = count)]
    scale: Vec<(Name, u32)>,

    /// When a signal ends it: after this long, skip what is left of the grace periods and kill. As the first process of a
    /// container 9s, unless a service has a grace period of more than 10s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "detach")]
    stop_within: Option<Duration>,

    /// Do not show whose line it is
    #[arg(long)]
    no_log_prefix: bool,
}

/// Starts everything.
///
/// # Errors
///
/// The service file is invalid, a name is not known, or no supervisor can be started.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    let counts: BTreeMap<Name, u32> = args.scale.iter().cloned().collect();
    let source = source::runnable_scaled(context, &project.file, &counts)?;
    source::known(&source.plan, &args.names)?;
    session::block_on(async {
        let signals = Signals::take()?;
        let (door, ours) = reach(context, &project, &source, args.detach).await?;
        if !ours && (!counts.is_empty() || is_outdated(&door, &source).await?) {
            let names = args.names.clone();
            let proposal = Proposal { names, scale: wire_of(&counts), ..Proposal::default() };
            let exit = converge(context, &source, &door, &proposal, true, args.timeout).await?;
            if exit != Exit::Done {
                return Ok(exit);
            }
        }
        let names = if args.names.is_empty() { everything(&source) } else { args.names.clone() };
        let command = Command::Start { names, no_deps: args.no_deps };
        if args.no_wait {
            door.command(&command).await?;
            return Ok(Exit::Done);
        }
        let watch = Watch::open(door.clone()).await?;
        let mut screen = Screen::new(context);
        if !args.detach {
            screen.attach(output(context, args, &watch)?);
        }
        let mut up = Up { context, args, project: &project, source: &source, ours, watch, screen, signals };
        let exit = tokio::select! {
            exit = up.run(&command) => exit,
            never = container::apply_on_hangup(context, &door), if !args.detach => never,
        };
        if exit.is_err() && !args.detach {
            // As when nobody reads our output any more: what was started for this ends with it.
            up.screen.mute();
            let _ = up.end(false).await;
        }
        exit
    })
}

/// Returns whether the service file says something else than the plan in force was made from.
async fn is_outdated(door: &Door, source: &Source) -> Result<bool, Trouble> {
    let fingerprint = door.project().await?.fingerprint;
    Ok(u64::from_str_radix(&fingerprint, 16).ok() != Some(source.record.fingerprint()))
}

/// Connects to the supervisor, which is started when none runs; tells whether it was.
async fn reach(
    context: &Context,
    project: &Project,
    source: &Source,
    detach: bool,
) -> Result<(Door, bool), Trouble> {
    match Door::reach(project).await {
        Ok(door) => {
            let running = door.project().await?;
            if context.verbosity != Verbosity::Quiet {
                let end = if detach { "" } else { "; Ctrl-C leaves it running" };
                context.say(&format!("svc runs already (process {}){end}\n", running.guard_pid));
            }
            Ok((door, false))
        }
        Err(ConnectError::NotRunning) => {
            let record = source.record.to_bytes()?;
            let inherited = if detach { Inherited::OwnLog } else { Inherited::Output };
            let before = boot(project, &record, &context.environment(), inherited)
                .map_err(|error| Trouble::of(&error))?;
            if !project.state_dir.exists() {
                context.say(&format!(
                    "warning: `{}` is on a read-only file system; logs are kept in `{}` and are gone with it\n",
                    project.state_dir.display(),
                    project.runtime_dir.join(TRANSIENT).display()
                ));
            }
            let door = session::connect(context, project).await?;
            let can = door.project().await?.groups;
            context.say(&groups::at_start(&can, &source.plan, before == Before::Killed));
            Ok((door, true))
        }
        Err(error) => Err(Trouble::of(&error)),
    }
}

/// Returns the names of all that is started when none is named. Profiles that were not active when the supervisor
/// began are active now: what belongs to them is named.
fn everything(source: &Source) -> Vec<String> {
    let active =
        source.plan.services.iter().filter(|service| !service.profiles.is_empty() && !service.is_off());
    std::iter::once("all".to_owned()).chain(active.map(|service| service.name.to_string())).collect()
}

/// An `up` whose supervisor runs.
struct Up<'a> {
    context: &'a Context,
    args: &'a Args,
    project: &'a Project,
    source: &'a Source,
    /// Whether the supervisor was started for this, and ends with it.
    ours: bool,
    watch: Watch,
    screen: Screen,
    signals: Signals,
}

impl Up<'_> {
    async fn run(&mut self, command: &Command) -> Result<Exit, Trouble> {
        let others = goes_with(&self.watch.door, command).await?;
        let mut operation =
            Operation::begin(&mut self.watch, &mut self.screen, &mut self.signals, command).await?;
        let names = operation.names.iter().filter(|name| self.source.has_no_readiness(name));
        operation.prove(names.cloned().collect());
        operation.show(others);
        let verdict = operation.finish(self.args.timeout).await?;
        if self.args.detach { self.detached(&verdict).await } else { self.foreground(verdict).await }
    }

    async fn detached(&mut self, verdict: &Verdict) -> Result<Exit, Trouble> {
        if let Verdict::Failed(names) = verdict {
            self.tell(names).await;
            return Ok(Exit::Failed);
        }
        conclude(self.context, &self.watch, verdict, self.args.timeout).await
    }

    async fn foreground(&mut self, verdict: Verdict) -> Result<Exit, Trouble> {
        match verdict {
            Verdict::Done => self.follow().await,
            Verdict::Interrupted(interrupt) => self.leave(interrupt).await,
            Verdict::Failed(names) => {
                self.tell(&names).await;
                let code = self.end(false).await?;
                Ok(code.map_or(Exit::Failed, Exit::Forwarded))
            }
            Verdict::TimedOut => {
                let limit = Exact(self.args.timeout.unwrap_or_default());
                self.end(false).await?;
                Err(Trouble::new(Exit::TimedOut, format!("not ready within {limit}")))
            }
            Verdict::Ended(code) => {
                self.screen.drain()?;
                until_free(self.project).await?;
                Ok(code.map_or(Exit::Done, Exit::Forwarded))
            }
            verdict @ (Verdict::Superseded | Verdict::Gone | Verdict::RolledBack(_)) => {
                conclude(self.context, &self.watch, &verdict, None).await
            }
        }
    }

    /// Shows the output of everything until a signal comes or nothing runs any more.
    async fn follow(&mut self) -> Result<Exit, Trouble> {
        loop {
            if self.watch.board.settled() {
                self.screen.drain()?;
                return self.over().await;
            }
            tokio::select! {
                // Output comes last: there may always be some.
                biased;
                interrupt = self.signals.next() => return self.leave(interrupt).await,
                change = self.watch.next() => match change {
                    Change::Event(event) => self.notice(&event),
                    Change::Resumed => {}
                    Change::Ended(code) => {
                        self.screen.drain()?;
                        until_free(self.project).await?;
                        return Ok(code.map_or(Exit::Done, Exit::Forwarded));
                    }
                    Change::Gone => {
                        self.screen.drain()?;
                        return conclude(self.context, &self.watch, &Verdict::Gone, None).await;
                    }
                },
                ready = self.screen.output() => {
                    ready?;
                    self.screen.pass()?;
                }
            }
        }
    }

    /// Says what happened, when it is worth an interruption of the output.
    fn notice(&mut self, event: &crate::control::wire::Event) {
        let before = match &event.happening {
            Happening::Transition { instance, .. } => self.watch.board.find(instance).map(|(_, i)| i),
            _ => None,
        };
        let matters = match &event.happening {
            Happening::Transition { to, .. } => {
                matches!(to, State::Failed | State::Backoff | State::Unhealthy)
            }
            _ => true,
        };
        if let (true, Some(line)) = (matters, progress::plain(event, before)) {
            self.screen.say(&format!("svc: {line}\n"));
        }
        self.watch.board.apply(event);
    }

    /// Nothing runs any more: the account of what failed, and the end.
    async fn over(&mut self) -> Result<Exit, Trouble> {
        let instances = self.watch.board.instances.iter();
        let failed: Vec<String> =
            instances.filter(|i| i.state == State::Failed).map(|i| i.name.clone()).collect();
        if !failed.is_empty() {
            self.tell(&failed).await;
        }
        let code = self.end(false).await?;
        let otherwise = if failed.is_empty() { Exit::Done } else { Exit::Failed };
        Ok(code.map_or(otherwise, Exit::Forwarded))
    }

    /// A signal came: stops everything, if it was started for this.
    async fn leave(&mut self, interrupt: Interrupt) -> Result<Exit, Trouble> {
        if !self.ours {
            self.screen.pass()?;
            self.screen.say("\nsvc goes on; `svc down` stops it\n");
            return Ok(interrupt.exit());
        }
        let kill = interrupt == Interrupt::Quit;
        self.screen.say(if kill { "\nkilling\n" } else { "\nstopping; once more skips the grace periods\n" });
        self.end(kill).await?;
        Ok(interrupt.exit())
    }

    /// Stops everything and waits for the supervisor's end, if it was started for this; returns the
    /// exit code that the end of a service asked for.
    async fn end(&mut self, kill: bool) -> Result<Option<u8>, Trouble> {
        if !self.ours {
            return Ok(None);
        }
        let Self { context, args, project, source, watch, screen, signals, .. } = self;
        let limit = args.stop_within.or_else(|| container::patience(&source.plan)).filter(|_| !kill);
        let code = shut_down(context, project, watch, screen, signals, kill, limit).await?;
        self.ours = false;
        // The last words of what has stopped.
        self.screen.drain()?;
        Ok(code)
    }

    async fn tell(&self, names: &[String]) {
        account::tell(self.context, &self.watch, names, Some(self.source), self.ours && !self.args.detach)
            .await;
    }
}

/// Opens the output of everything, from now on.
fn output(context: &Context, args: &Args, watch: &Watch) -> std::io::Result<Stream> {
    let instances = watch.board.instances.iter();
    let (names, logs): (Vec<String>, Vec<PathBuf>) = instances
        .flat_map(|instance| {
            let kept = [&instance.log, &instance.stderr_log];
            let kept = kept.into_iter().flatten();
            kept.map(|path| (instance.name.clone(), PathBuf::from(path)))
        })
        .unzip();
    let style =
        format::Style { color: context.out.colour, prefix: !args.no_log_prefix, time: false, raw: false };
    let query = Query { since: Some(Timestamp::now()), follow: true, ..Query::default() };
    Stream::open(&logs, &query, Formatter::new(style, names))
}
