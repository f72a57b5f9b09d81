//! What the engine keeps about one instance besides its state.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::{ExitStatus, Invocation, Moment};
use crate::engine::action::Cause;
use crate::engine::event::RequestId;
use crate::engine::links::EdgeId;
use crate::engine::run::Run;
use crate::engine::state::{Reason, State, earlier};
use crate::engine::timetable::Timetable;
use crate::engine::watched::Watching;

/// One instance.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) state: State,
    /// Whether an operator asked for it.
    pub(crate) explicit: bool,
    /// How many edges hold it: those in force whose dependency it is.
    pub(crate) holders: u32,
    /// It has to stop once and come back, for this cause.
    pub(crate) bounce: Option<Cause>,
    /// It has to be down, and stay so, until another plan is in force.
    pub(crate) parked: bool,
    /// Why it is to rest as failed once it is down, instead of inactive.
    pub(crate) doomed: Option<Cause>,
    /// Why it is wanted up or down: what led to the last change of that.
    pub(crate) want_cause: Cause,
    /// The edge whose other end it waits for: before its launch or before its stop.
    pub(crate) blocker: Option<EdgeId>,
    /// Automatic restarts in a row: the exponent of the next delay.
    pub(crate) attempt: u32,
    /// When the automatic restarts were decided that the policy's window still counts.
    pub(crate) recent: VecDeque<Moment>,
    /// Automatic restarts since an operator last started it.
    pub(crate) restarts: u32,
    /// When it runs by itself: of a scheduled task that is wanted.
    pub(crate) timetable: Option<Timetable>,
    /// Its time came while a run went on, and another follows that one.
    pub(crate) queued: bool,
    /// Whether a run succeeded since it was last wanted anew.
    pub(crate) done: bool,
    /// The last runs of a task.
    pub(crate) runs: VecDeque<Run>,
    /// What changes of its watched files have led to.
    pub(crate) watching: Watching,
    /// When its last life was launched.
    pub(crate) launched: Option<Moment>,
    pub(crate) since: Moment,
    pub(crate) cause: Cause,
    /// The life it has, or had last.
    pub(crate) invocation: Option<Invocation>,
    pub(crate) last_exit: Option<ExitStatus>,
    pub(crate) last_probe: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) took: Option<Duration>,
    /// The requests that wait for it.
    pub(crate) requests: Vec<RequestId>,
    /// Its place in the order of deadlines.
    pub(crate) deadline: Option<Moment>,
    /// Whether it was wanted and had to stop when its neighbours last looked.
    pub(crate) told: (bool, bool),
    pub(crate) restless: bool,
    pub(crate) touched: bool,
    pub(crate) changed: bool,
}

impl Slot {
    /// Returns whether it should be up.
    pub(crate) fn wanted(&self) -> bool {
        self.explicit || self.holders > 0
    }

    /// Returns when time alone changes something.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        earlier(self.state.deadline(), self.timetable.map(|timetable| timetable.next.at))
    }

    /// Takes the slot over into another plan: what other places are known by is looked up again.
    pub(crate) fn move_to(&mut self, cause: &dyn Fn(&Cause) -> Cause) {
        self.holders = 0;
        self.blocker = None;
        self.deadline = None;
        (self.restless, self.touched, self.changed) = (false, false, false);
        self.cause = cause(&self.cause);
        self.want_cause = cause(&self.want_cause);
        self.bounce = self.bounce.as_ref().map(cause);
        self.doomed = self.doomed.as_ref().map(cause);
        if let State::Stopping { reason: Reason::Fault { cause: fault, .. }, .. } = &mut self.state {
            *fault = cause(fault);
        }
    }

    /// Returns whether its process has to end.
    pub(crate) fn has_to_stop(&self) -> bool {
        self.state.is_live() && (!self.wanted() || self.bounce.is_some() || self.parked)
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            state: State::Inactive,
            explicit: false,
            holders: 0,
            bounce: None,
            parked: false,
            doomed: None,
            want_cause: Cause::Initial,
            blocker: None,
            attempt: 0,
            recent: VecDeque::new(),
            restarts: 0,
            timetable: None,
            queued: false,
            done: false,
            runs: VecDeque::new(),
            watching: Watching::default(),
            launched: None,
            since: Moment::ZERO,
            cause: Cause::Initial,
            invocation: None,
            last_exit: None,
            last_probe: None,
            status: None,
            took: None,
            requests: Vec::new(),
            deadline: None,
            told: (false, false),
            restless: false,
            touched: false,
            changed: false,
        }
    }
}
