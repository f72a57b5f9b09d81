//! svc as the first process of a container or a machine: whoever loses its parent becomes its child.
//!
//! The guard is the parent of everything svc starts, and reaps what that leaves behind. What others start in the
//! same container (`docker exec`, say) is not below the guard; its orphans come here.

use tokio::signal::unix::{SignalKind, signal};

use crate::sys::process::{self, Children};

/// Returns whether this is the first process.
pub fn is_first() -> bool {
    process::own_pid() == 1
}

/// Reaps every child that ends, for as long as it is polled. How the guard ended is learned otherwise: by its lock.
pub async fn reap() {
    // Without the signal orphans would wait for the next one; nothing else can be done about it.
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    loop {
        while let Ok(Children::Ended(child)) = process::peek_ended() {
            if process::reap(child.pid).is_err() {
                break;
            }
        }
        ended.recv().await;
    }
}
