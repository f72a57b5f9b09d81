//! One request from its beginning to its end, with what a person sees meanwhile: shared by every verb that
//! starts or stops something.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;

use crate::cli::board::{Goal, Progress, towards};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::screen::Screen;
use crate::cli::session::{Change, Watch};
use crate::cli::signals::{Interrupt, Signals};
use crate::control::wire::{Accepted, Command, Happening, PlanAction, PlanStep, RequestResult, State};
use crate::engine::PROOF;

/// How often a block may be redrawn.
const FRAME: Duration = Duration::from_millis(100);
/// How many frames pass between two that only the time has changed.
const FRAMES_A_SECOND: u32 = 10;

/// How a request went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything asked for is where it should be.
    Done,
    /// These failed for good or again and again, or did not get there.
    Failed(Vec<String>),
    /// The change was taken back, because these did not come up.
    RolledBack(Vec<String>),
    /// Somebody asked for the contrary meanwhile.
    Superseded,
    /// The time given ran out.
    TimedOut,
    /// A signal came.
    Interrupted(Interrupt),
    /// The supervisor has ended, with the code a service's end asked for.
    Ended(Option<u8>),
    /// The supervisor is gone.
    Gone,
}

/// A request under way.
#[derive(Debug)]
pub struct Operation<'a> {
    /// The supervisor.
    pub watch: &'a mut Watch,
    /// Where progress goes.
    pub screen: &'a mut Screen,
    /// The signals that end it.
    pub signals: &'a mut Signals,
    /// What it is about.
    pub names: Vec<String>,
    /// Where that should get.
    pub goal: Goal,
    /// What is drawn: that, and what it takes along.
    shown: BTreeSet<String>,
    /// Its number.
    request: u64,
    /// What has to run for a moment to count as up.
    unproven: Vec<String>,
    /// Whether the request is done and only that moment is left.
    proving: bool,
    /// Whether only the end of the request tells how it went.
    told: bool,
    /// Whether the supervisor ends with it, which is waited for.
    last: bool,
}

impl<'a> Operation<'a> {
    /// Hands in a command.
    ///
    /// # Errors
    ///
    /// It was refused.
    pub async fn begin(
        watch: &'a mut Watch,
        screen: &'a mut Screen,
        signals: &'a mut Signals,
        command: &Command,
    ) -> Result<Self, Trouble> {
        let Accepted { request, instances, .. } = watch.door.command(command).await?;
        let goal = match command {
            Command::Start { .. }
            | Command::Run { .. }
            | Command::Restart { .. }
            | Command::Reload { .. } => Goal::Up,
            Command::Stop { .. } | Command::Shutdown { .. } => Goal::Down,
        };
        let names = match command {
            Command::Shutdown { .. } => watch.board.instances.iter().map(|i| i.name.clone()).collect(),
            _ => instances,
        };
        let shown = names.iter().cloned().collect();
        let (unproven, proving) = (Vec::new(), false);
        let told = matches!(command, Command::Reload { .. });
        let last = matches!(command, Command::Shutdown { .. });
        Ok(Self { watch, screen, signals, names, goal, shown, request, unproven, proving, told, last })
    }

    /// Sees to it that these, which have no readiness, are not counted as up while they are about to
    /// exit: each has to run for [`PROOF`]. Only this verdict waits; what depends on them does not.
    pub fn prove(&mut self, names: Vec<String>) {
        self.unproven = names;
    }

    /// Shows these too, which go the same way.
    pub fn show(&mut self, others: Vec<String>) {
        self.shown.extend(others);
    }

    /// Goes on with a plan that is being applied: what it starts is to come up.
    pub fn of_plan(
        watch: &'a mut Watch,
        screen: &'a mut Screen,
        signals: &'a mut Signals,
        request: u64,
        steps: &[PlanStep],
    ) -> Self {
        let comes = |step: &&PlanStep| matches!(step.action, PlanAction::Start | PlanAction::Restart);
        let names: Vec<String> = steps.iter().filter(comes).map(|step| step.instance.clone()).collect();
        let shown = steps.iter().map(|step| step.instance.clone()).collect();
        let (unproven, proving) = (Vec::new(), false);
        let (told, last) = (false, false);
        Self { watch, screen, signals, names, goal: Goal::Up, shown, request, unproven, proving, told, last }
    }

    /// Waits for the end, at most for `limit`.
    ///
    /// # Errors
    ///
    /// The supervisor does not answer.
    pub async fn finish(mut self, limit: Option<Duration>) -> Result<Verdict, Trouble> {
        let verdict = match limit {
            Some(limit) => match tokio::time::timeout(limit, self.run()).await {
                Ok(verdict) => verdict?,
                Err(_) => Verdict::TimedOut,
            },
            None => self.run().await?,
        };
        if matches!(verdict, Verdict::Ended(_)) {
            // Nobody writes any more: the last words stand above what sums up.
            while self.screen.pass()? {}
        }
        // A supervisor that has ended cannot be asked; what is known is drawn.
        let _ = self.watch.refresh().await;
        self.draw();
        self.screen.keep();
        Ok(verdict)
    }

    async fn run(&mut self) -> Result<Verdict, Trouble> {
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stale = true;
        let mut frame = 0u32;
        loop {
            let left = if self.proving { self.proof_left(Timestamp::now()) } else { None };
            if left == Some(Duration::ZERO) {
                return Ok(Verdict::Done);
            }
            tokio::select! {
                // Output comes last: there may always be some.
                biased;
                change = self.watch.next() => {
                    stale = true;
                    match self.change(change).await? {
                        // The end of the request comes shortly before that of the supervisor.
                        Some(Verdict::Done) if self.last => {}
                        Some(Verdict::Done) if !self.unproven.is_empty() => self.proving = true,
                        Some(verdict) => return Ok(verdict),
                        None => {}
                    }
                }
                () = tokio::time::sleep(left.unwrap_or_default()), if left.is_some() => {}
                interrupt = self.signals.next() => return Ok(Verdict::Interrupted(interrupt)),
                _ = frames.tick(), if self.screen.is_live() => {
                    frame += 1;
                    // What is waited for and what the probes see comes without an event.
                    if stale || frame.is_multiple_of(FRAMES_A_SECOND) {
                        stale = self.watch.refresh().await.is_err();
                        self.draw();
                    }
                }
                ready = self.screen.output() => {
                    ready?;
                    self.screen.pass()?;
                }
            }
        }
    }

    /// Brings the picture up to date; what was waited for once stays in it.
    fn draw(&mut self) {
        if self.goal == Goal::Up {
            self.shown.extend(self.watch.board.concerned(&self.names));
        }
        self.screen.draw(&self.watch.board, &self.shown, self.goal);
    }

    async fn change(&mut self, change: Change) -> Result<Option<Verdict>, Trouble> {
        let event = match change {
            Change::Event(event) => event,
            Change::Resumed if self.told => {
                let message = "nobody knows how far it came: svc's engine was replaced meanwhile";
                return Err(Trouble::new(Exit::Failed, message).help("ask for it again"));
            }
            Change::Resumed => return Ok(self.judge_by_states()),
            Change::Ended(code) => return Ok(Some(Verdict::Ended(code))),
            Change::Gone => return Ok(Some(Verdict::Gone)),
        };
        self.screen.event(&event, &self.watch.board);
        self.watch.board.apply(&event);
        match event.happening {
            Happening::RequestEnded { request, result, failed } if request == self.request => {
                Ok(Some(match result {
                    RequestResult::Done => Verdict::Done,
                    RequestResult::Failed => Verdict::Failed(failed),
                    RequestResult::Superseded => Verdict::Superseded,
                    RequestResult::RolledBack => Verdict::RolledBack(failed),
                }))
            }
            Happening::Transition { to: State::Backoff, .. } if self.goal == Goal::Up && !self.told => {
                self.judge_by_failures().await
            }
            // The end of the request, which would tell, is past.
            Happening::Transition { to: State::Failed, .. } if self.proving => self.judge_by_failures().await,
            _ => Ok(None),
        }
    }

    /// Decides after something has failed: how many attempts that were, only an answer tells.
    async fn judge_by_failures(&mut self) -> Result<Option<Verdict>, Trouble> {
        self.watch.refresh().await?;
        let hopeless = self.watch.board.hopeless(&self.names);
        Ok((!hopeless.is_empty()).then_some(Verdict::Failed(hopeless)))
    }

    /// Returns how long until everything unproven has run for long enough; `None` while something of it
    /// does not run.
    fn proof_left(&self, now: Timestamp) -> Option<Duration> {
        let mut longest = Duration::ZERO;
        for (_, instance) in self.unproven.iter().filter_map(|name| self.watch.board.find(name)) {
            if towards(instance, Goal::Up) != Progress::Reached {
                return None;
            }
            let ran = Duration::try_from(now.duration_since(instance.since)).unwrap_or_default();
            longest = longest.max(PROOF.saturating_sub(ran));
        }
        Some(longest)
    }

    /// Decides after events were missed, the end of the request perhaps among them.
    fn judge_by_states(&self) -> Option<Verdict> {
        let board = &self.watch.board;
        let hopeless = board.hopeless(&self.names);
        match self.goal {
            goal if board.all(&self.names, goal) => Some(Verdict::Done),
            Goal::Up if !hopeless.is_empty() => Some(Verdict::Failed(hopeless)),
            _ => None,
        }
    }
}
