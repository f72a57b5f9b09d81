//! What follows the end of a life: the restart policy, its delays and its limit, and giving up.

use std::time::Duration;

use crate::base::{ExitStatus, Moment};
use crate::engine::Engine;
use crate::engine::action::Cause;
use crate::engine::request::Goal;
use crate::engine::state::{Reason, State};
use crate::graph::InstanceId;
use crate::model::policy::{Backoff, Consequence, RestartWhen};

/// What a life came to.
pub(crate) struct End {
    /// Why it was brought to its end, or ended.
    pub(crate) reason: Reason,
    /// How its main process ended; `None` when it never ran.
    pub(crate) exit: Option<ExitStatus>,
    /// What to call it: the exit, the failed launch, the limit or the probe.
    pub(crate) cause: Cause,
    /// Whether it was ever ready.
    pub(crate) was_ready: bool,
}

impl Engine {
    /// A life is over and nothing is left of it: what now?
    pub(crate) fn life_is_over(&mut self, now: Moment, id: InstanceId, end: End) {
        self.note_run(now, id, &end);
        if !self.slot(id).wanted() {
            let cause =
                if end.reason == Reason::Asked { self.slot(id).want_cause.clone() } else { end.cause };
            self.come_to_rest(now, id, cause);
            return;
        }
        let bounce = self.slot_mut(id).bounce.take();
        if bounce.is_some() || end.reason == Reason::Asked {
            let cause = bounce.unwrap_or_else(|| self.slot(id).want_cause.clone());
            self.wait(now, id, cause);
            return;
        }
        self.follow_policy(now, id, end);
    }

    /// Lets the delays start anew when an instance that is about to leave `Up` was ready long enough.
    pub(crate) fn credit_stability(&mut self, now: Moment, id: InstanceId) {
        let reset = self.rules(id).backoff.reset;
        if let State::Up { ready_since: Some(since), .. } = self.slot(id).state
            && now.since(since) >= reset
        {
            self.slot_mut(id).attempt = 0;
        }
    }

    /// Goes down for good, to the state that says why.
    pub(crate) fn come_to_rest(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        let slot = self.slot_mut(id);
        slot.bounce = None;
        match slot.doomed.take() {
            Some(doom) => self.set_state(id, State::Failed, doom, now),
            None => self.set_state(id, State::Inactive, cause, now),
        }
    }

    fn follow_policy(&mut self, now: Moment, id: InstanceId, end: End) {
        let task = self.is_task(id);
        let rules = self.rules(id);
        let faulty = matches!(end.reason, Reason::Fault { .. });
        let by_code = matches!(end.exit, Some(ExitStatus::Code(code)) if rules.success_codes.contains(&code));
        let success = by_code && !faulty && (task || end.was_ready);
        let restarts = match rules.restart.when {
            RestartWhen::Never => false,
            RestartWhen::OnFailure => !success,
            RestartWhen::Always => !(task && success),
        };
        if restarts || matches!(end.reason, Reason::Fault { restart: true, .. }) {
            self.restart_automatically(now, id, end);
        } else if success {
            self.complete(now, id, &end);
        } else {
            self.fail(now, id, end.cause);
        }
    }

    /// Restarts after the delay, unless there were too many restarts lately.
    fn restart_automatically(&mut self, now: Moment, id: InstanceId, end: End) {
        let rules = self.rules(id);
        let (restart, backoff) = (rules.restart, rules.backoff);
        let slot = &mut self.slots[id.0 as usize];
        slot.recent.retain(|&at| now.since(at) < restart.window);
        if restart.max.is_some_and(|max| slot.recent.len() >= max as usize) {
            let cause = Cause::GaveUp { restarts: slot.restarts, last: end.exit };
            self.fail(now, id, cause);
            return;
        }
        if restart.max.is_some() {
            slot.recent.push_back(now);
        }
        let delay = delay(&backoff, slot.attempt, self.random.f64());
        slot.attempt = slot.attempt.saturating_add(1);
        slot.restarts = slot.restarts.saturating_add(1);
        self.set_state(id, State::Backoff { until: now + delay }, end.cause, now);
        let with_it = self.restarting_with(id);
        let cause = self.because_of(id);
        self.bounce(&with_it, &cause);
    }

    /// It ended as it should, and stays so.
    fn complete(&mut self, now: Moment, id: InstanceId, end: &End) {
        let slot = self.slot_mut(id);
        slot.attempt = 0;
        if self.schedule_of(id).is_some() {
            self.rest(now, id, end.cause.clone());
        } else {
            self.set_state(id, State::Completed, end.cause.clone(), now);
        }
        if !self.is_task(id) {
            self.fall(now, id);
        }
        let consequence = self.rules(id).on_exit.success;
        self.take_consequence(now, id, consequence, end.exit);
    }

    /// It gives up; whatever it left is gone.
    pub(crate) fn fail(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        let exit = match cause {
            Cause::Exit(_) | Cause::GaveUp { last: Some(_), .. } => self.slot(id).last_exit,
            _ => None,
        };
        if self.schedule_of(id).is_some() {
            self.fail_run(now, id, cause);
        } else {
            self.set_state(id, State::Failed, cause, now);
            self.fall(now, id);
        }
        let consequence = self.rules(id).on_exit.failure;
        self.take_consequence(now, id, consequence, exit);
    }

    /// It gives up while its process still runs: it and what cannot be without it stop in order.
    pub(crate) fn doom(&mut self, now: Moment, id: InstanceId, cause: Cause) {
        let slot = self.slot_mut(id);
        slot.doomed = Some(cause.clone());
        slot.want_cause = cause;
        self.fall(now, id);
        let consequence = self.rules(id).on_exit.failure;
        self.take_consequence(now, id, consequence, None);
    }

    fn take_consequence(
        &mut self,
        now: Moment,
        id: InstanceId,
        consequence: Consequence,
        exit: Option<ExitStatus>,
    ) {
        if consequence == Consequence::Shutdown && self.ending.is_none() {
            self.end_with(now, id, exit.map_or(1, ExitStatus::shell_code));
        }
    }

    /// Shuts the project down for what became of an instance.
    pub(crate) fn end_with(&mut self, now: Moment, id: InstanceId, code: u8) {
        // What reached its goal by this very end, or missed it, is answered for that.
        self.answer_requests();
        self.supersede_all(|goal| goal != Goal::Down);
        self.shut_down(now, false, Cause::Shutdown { instance: id });
        if let Some(ending) = &mut self.ending {
            ending.code = Some(code);
        }
    }
}

/// Returns the delay before an automatic restart; `random` is between 0 and 1.
fn delay(backoff: &Backoff, attempt: u32, random: f64) -> Duration {
    let grown = backoff.first.as_secs_f64() * backoff.factor.powi(attempt.min(1_000) as i32);
    let bounded = grown.min(backoff.limit.as_secs_f64());
    let varied = bounded * (1.0 + backoff.jitter * (2.0 * random - 1.0));
    Duration::try_from_secs_f64(varied).unwrap_or(backoff.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(jitter: f64) -> Backoff {
        Backoff {
            first: Duration::from_millis(500),
            factor: 2.0,
            limit: Duration::from_secs(30),
            reset: Duration::from_secs(30),
            jitter,
        }
    }

    #[test]
    fn delays_grow_by_the_factor_up_to_the_limit() {
        let delays: Vec<u128> = (0..9).map(|n| delay(&backoff(0.0), n, 0.7).as_millis()).collect();
        assert_eq!(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(delay(&backoff(0.0), u32::MAX, 0.0), Duration::from_secs(30));
    }

    #[test]
    fn jitter_varies_a_delay_by_its_share_both_ways() {
        assert_eq!(delay(&backoff(0.1), 0, 0.0).as_millis(), 450);
        assert_eq!(delay(&backoff(0.1), 0, 0.5).as_millis(), 500);
        assert_eq!(delay(&backoff(0.1), 0, 1.0).as_millis(), 550);
    }
}
