//! The simulation: an engine, a hostile virtual machine and a random operator, driven by one seed.
//!
//! A failing seed prints itself; `SVC_SIM_SEED=N` replays it at its smallest, with its whole history. `SVC_SIM_SEEDS=N`
//! runs that many; without it as many as fit in `SVC_SIM_SECONDS` (20).

mod calm;
mod kernel;
mod reference;
mod small;
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use world::{Flaw, Size, World};

/// Plays one seed; the error is what went wrong.
fn play(seed: u64, size: Size, flaw: Option<Flaw>) -> Result<u64, String> {
    catch_unwind(AssertUnwindSafe(|| World::new(seed, size, flaw).play()))
        .unwrap_or_else(|panic| Err(panic.downcast_ref::<String>().cloned().unwrap_or("a panic".to_owned())))
}

/// Finds the smallest size at which a seed still fails.
fn shrink(seed: u64) -> (Size, String) {
    let sizes = (1..=6).flat_map(|services| (1..=60).map(move |steps| Size { services, steps }));
    sizes
        .filter_map(|size| play(seed, size, None).err().map(|error| (size, error)))
        .next()
        .unwrap_or((Size::of(seed), "it fails at its own size alone".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "how long and what to simulate is the environment's to say")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[expect(clippy::disallowed_methods, reason = "the budget is one of real time")]
#[test]
fn the_engine_keeps_every_invariant_whatever_the_machine_does() {
    let begin = Instant::now();
    if let Some(seed) = setting("SVC_SIM_SEED") {
        let (size, _) = shrink(seed);
        let mut world = World::new(seed, size, None);
        let result = catch_unwind(AssertUnwindSafe(|| world.play()));
        println_all(&world.plan_lines());
        println_all(&world.history);
        assert!(matches!(result, Ok(Ok(_))), "seed {seed}: {result:?}");
        return;
    }
    let budget = Duration::from_secs(setting("SVC_SIM_SECONDS").unwrap_or(20));
    let seeds = setting("SVC_SIM_SEEDS");
    let mut seed = 0;
    while seeds.map_or(begin.elapsed() < budget, |seeds| seed < seeds) {
        if let Err(error) = play(seed, Size::of(seed), None) {
            let (size, smallest) = shrink(seed);
            panic!(
                "seed {seed}: {error}\nSVC_SIM_SEED={seed} replays it; at its smallest, {size:?}: {smallest}"
            );
        }
        seed += 1;
    }
    assert!(seed > 50, "only {seed} seeds were played");
}

#[expect(clippy::print_stdout, reason = "the history of a replayed seed is for a person")]
fn println_all(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

#[test]
fn a_start_that_times_out_and_is_let_go_in_one_late_call_stops_by_itself() {
    let seed = 26_370;
    play(seed, Size::of(seed), None).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..20 {
        let [a, b] = [0, 1].map(|_| {
            let mut world = World::new(seed, Size::of(seed), None);
            world.play().expect("a sound engine");
            world.history
        });
        assert_eq!(a, b, "seed {seed}");
    }
}

/// A planted flaw is caught within a few hundred seeds, and for the right reason.
fn is_caught(flaw: Flaw, reasons: &[&str]) {
    let mut others = BTreeSet::new();
    for seed in 0..400 {
        let Err(error) = play(seed, Size::of(seed), Some(flaw)) else { continue };
        if reasons.iter().any(|reason| error.contains(reason)) {
            return;
        }
        others.insert(error);
    }
    panic!("{flaw:?} was not caught for {reasons:?}, but for {others:#?}");
}

#[test]
fn a_late_answer_that_is_accepted_is_caught() {
    is_caught(Flaw::LateAnswer, &["ready though its life never said so"]);
}

#[test]
fn a_launch_that_ignores_a_condition_is_caught() {
    is_caught(Flaw::IgnoredCondition, &["launched before"]);
}

#[test]
fn dependents_that_are_left_up_are_caught() {
    is_caught(Flaw::DependentsLeftUp, &["stopped while"]);
}

#[test]
fn a_kill_timer_that_outlives_its_stop_is_caught() {
    is_caught(Flaw::OldKillTimer, &["killed before its grace was over"]);
}

#[test]
fn a_failed_spawn_that_arms_nothing_is_caught() {
    is_caught(Flaw::ForgottenSpawnFailure, &["stuck"]);
}

#[test]
fn replicas_that_are_replaced_all_at_once_are_caught() {
    is_caught(Flaw::RollAtOnce, &["was replaced while"]);
}

#[test]
fn a_restart_without_delay_is_caught() {
    is_caught(Flaw::NoBackoff, &["restarted too soon"]);
}
