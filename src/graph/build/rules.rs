//! The rules of a service, as the engine wants them.

use std::mem;
use std::sync::Arc;

use crate::graph::plan::{Readiness, Rules};
use crate::model::Service;
use crate::model::service::{Probing, Target};

/// Takes from a service what the engine needs to know of it. When that is what is known of the service
/// before it, which is likely, both share it.
pub(super) fn rules(declared: &mut Service, before: Option<&Arc<Rules>>) -> Arc<Rules> {
    let rules = Rules {
        restart: declared.restart,
        backoff: declared.backoff,
        stop: declared.stop,
        on_exit: declared.on_exit,
        success_codes: mem::take(&mut declared.success_codes),
        start_timeout: declared.start_timeout,
        timeout: declared.timeout,
        readiness: declared.readiness.as_ref().map_or(Readiness::Started, readiness),
        startup: declared.startup.as_ref().map(|probing| probing.schedule),
        liveness: declared.liveness.as_ref().map(|probing| probing.schedule),
        on_liveness_failure: declared.on_liveness_failure,
        watchdog: declared.watchdog.map(|watchdog| watchdog.value),
        schedule: declared.schedule.take().map(|schedule| Box::new(schedule.value)),
    };
    match before {
        Some(before) if **before == rules => before.clone(),
        _ => Arc::new(rules),
    }
}

fn readiness(probing: &Probing) -> Readiness {
    match probing.target {
        Target::Notify | Target::Fd(_) | Target::Log(_) => Readiness::Announced,
        Target::Tcp(_) | Target::Unix(_) | Target::Http { .. } | Target::Exec(_) | Target::File(_) => {
            Readiness::Probed(probing.schedule)
        }
    }
}
