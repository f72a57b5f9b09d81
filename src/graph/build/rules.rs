//! The rules of a service, as the engine wants them.

use crate::graph::plan::{Readiness, Rules};
use crate::model::Service;
use crate::model::service::{Probing, Target};

/// Takes from a service what the engine needs to know of it.
pub(super) fn rules(declared: &Service) -> Rules {
    Rules {
        restart: declared.restart,
        backoff: declared.backoff,
        stop: declared.stop,
        on_exit: declared.on_exit,
        success_codes: declared.success_codes.clone(),
        start_timeout: declared.start_timeout,
        timeout: declared.timeout,
        readiness: declared.readiness.as_ref().map_or(Readiness::Started, readiness),
        startup: declared.startup.as_ref().map(|probing| probing.schedule),
        liveness: declared.liveness.as_ref().map(|probing| probing.schedule),
        on_liveness_failure: declared.on_liveness_failure,
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
