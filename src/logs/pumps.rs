//! All pumps of a project behind one descriptor and one timer.
//!
//! Each pump that waits for its pipe to be readable is armed once in an epoll set of our own. One that
//! rests is not armed, so that a service which writes a thousand lines a second wakes the process
//! fifty times and not a thousand. Rests end on common ticks: a hundred busy services cost one
//! wake-up a tick. A turn drains each pump once, so that none starves the others.
//!
//! ```no_run
//! # use svc::base::Moment;
//! # fn clocks() -> (Moment, jiff::Timestamp) { unimplemented!() }
//! # async fn pump(mut pumps: svc::logs::Pumps) -> std::io::Result<()> {
//! let readable = tokio::io::unix::AsyncFd::new(pumps.descriptor()?)?;
//! let mut reports = Vec::new();
//! loop {
//!     let (now, wall) = clocks();
//!     let rest = pumps.turn(now, wall, &mut reports);
//!     for (key, report) in reports.drain(..) { /* readiness by a line, gaps as events */ }
//!     let rest = async { match rest { Some(rest) => tokio::time::sleep(rest).await, None => std::future::pending().await } };
//!     tokio::select! {
//!         ready = readable.readable() => ready?.clear_ready(),
//!         () = rest => {}
//!     }
//! }
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Duration;

use jiff::Timestamp;
use rustix::event::{Timespec, epoll};

use crate::base::Moment;
use crate::logs::pump::{Next, Pump, Report};

/// Rests that are longer than this end on a common tick of this length.
const TICK: Duration = Duration::from_millis(5);

/// As many pipes are looked at in one turn.
const BATCH: usize = 256;

/// The pumps of all instances, each under a number of the caller's.
#[derive(Debug)]
pub struct Pumps {
    set: OwnedFd,
    pumps: BTreeMap<u64, Pump>,
    due: BTreeSet<(Moment, u64)>,
}

impl Pumps {
    /// Makes an empty set.
    ///
    /// # Errors
    ///
    /// The kernel has no descriptor left.
    pub fn new() -> std::io::Result<Self> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (pumps, due) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { set, pumps, due })
    }

    /// Returns a descriptor that is readable when a pipe is; wait for it, then take a [turn](Self::turn).
    ///
    /// # Errors
    ///
    /// The kernel has no descriptor left.
    pub fn descriptor(&self) -> std::io::Result<OwnedFd> {
        self.set.try_clone()
    }

    /// Adds a pump; one that already has this number is dropped.
    ///
    /// # Errors
    ///
    /// The kernel refuses to watch the pipe.
    pub fn add(&mut self, key: u64, pump: Pump) -> std::io::Result<()> {
        drop(self.remove(key));
        epoll::add(&self.set, &pump, epoll::EventData::new_u64(key), armed())?;
        self.pumps.insert(key, pump);
        Ok(())
    }

    /// Takes a pump out; what still lies in its pipe stays there unless it is drained.
    pub fn remove(&mut self, key: u64) -> Option<Pump> {
        let pump = self.pumps.remove(&key)?;
        // The descriptor is open and in the set; a copy of it elsewhere would keep it there otherwise.
        let _ = epoll::delete(&self.set, &pump);
        self.due.retain(|&(_, other)| other != key);
        Some(pump)
    }

    /// Returns a pump, to watch for a line or to change its settings.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut Pump> {
        self.pumps.get_mut(&key)
    }

    /// Looks at a pump again whose pipe was closed, because a process that writes to it is launched.
    pub fn wake(&mut self, key: u64) {
        if let Some(pump) = self.pumps.get(&key) {
            let _ = epoll::modify(&self.set, pump, epoll::EventData::new_u64(key), armed());
        }
    }

    /// Drains every pump that is readable or has rested, once each, and appends what they did.
    ///
    /// Returns when to take the next turn even if nothing becomes readable; `None` for never.
    pub fn turn(
        &mut self,
        now: Moment,
        wall: Timestamp,
        reports: &mut Vec<(u64, Report)>,
    ) -> Option<Duration> {
        let mut keys = BTreeSet::new();
        while let Some(&(at, key)) = self.due.first().filter(|&&(at, _)| at <= now) {
            self.due.remove(&(at, key));
            keys.insert(key);
        }
        let mut buffer = [const { MaybeUninit::<epoll::Event>::uninit() }; BATCH];
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // An interrupted look finds nothing; the set stays readable and the next turn finds it.
        let ready = epoll::wait(&self.set, &mut buffer, Some(&zero)).map_or(&[][..], |(ready, _)| ready);
        keys.extend(ready.iter().map(|event| event.data.u64()));
        let full = ready.len() == BATCH;
        for key in keys {
            self.drain(key, now, wall, reports);
        }
        if full {
            return Some(Duration::ZERO);
        }
        self.due.first().map(|&(at, _)| at.since(now))
    }

    fn drain(&mut self, key: u64, now: Moment, wall: Timestamp, reports: &mut Vec<(u64, Report)>) {
        let Some(pump) = self.pumps.get_mut(&key) else { return };
        let report = pump.drain(wall);
        if let Some(rest) = report.send {
            // One step at a time, however often the pipe is readable meanwhile.
            self.due.retain(|&(_, other)| other != key);
            self.due.insert((now + rest, key));
        }
        match report.next {
            Next::Readable => self.wake(key),
            Next::After(rest) => {
                self.due.insert((on_tick(now, rest), key));
            }
            Next::Closed => {}
        }
        reports.push((key, report));
    }
}

fn armed() -> epoll::EventFlags {
    epoll::EventFlags::IN | epoll::EventFlags::ONESHOT
}

/// Returns the end of a rest; of a long one, the tick at or after it.
fn on_tick(now: Moment, rest: Duration) -> Moment {
    let end = now + rest;
    let beyond = end.elapsed().as_nanos() % TICK.as_nanos();
    if rest < TICK || beyond == 0 {
        return end;
    }
    end + (TICK - Duration::from_nanos(u64::try_from(beyond).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rests_end_together_and_short_ones_when_they_end() {
        let at = Moment::from_millis;
        let ms = Duration::from_millis;
        assert_eq!(on_tick(at(101), ms(20)), at(125));
        assert_eq!(on_tick(at(104), ms(20)), at(125));
        assert_eq!(on_tick(at(105), ms(20)), at(125));
        assert_eq!(on_tick(at(101), ms(2)), at(103));
        assert_eq!(on_tick(at(101), Duration::ZERO), at(101));
    }
}
