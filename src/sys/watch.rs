//! Descriptors that tokio waits on, and an alarm that is one.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that stays the same and open for as long as tokio watches it: it can be looked at, not
/// taken out.
#[derive(Debug)]
pub struct Watched(AsyncFd<Fixed>);

/// What [`AsyncFd`] holds; private, so that nobody can replace it there.
#[derive(Debug)]
struct Fixed(OwnedFd);

impl AsRawFd for Fixed {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Watched {
    /// Watches a non-blocking descriptor. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// What epoll_ctl(2) says.
    pub fn new(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        // SAFETY: the descriptor has to stay open and the same while it is registered. `Fixed` owns it,
        // is private to this module and is neither replaced nor handed out by any function of it.
        let watched = unsafe { AsyncFd::register_with_interest(Fixed(fd), interest) };
        Ok(Self(watched?))
    }

    /// Returns the descriptor.
    pub fn fd(&self) -> &OwnedFd {
        &self.0.get_ref().0
    }

    /// Waits until it is readable since this was last asked. Whoever is woken has to read until nothing
    /// is left: what was there before does not wake again.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Waits until it is writable since this was last asked.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn writable(&self) -> io::Result<()> {
        self.0.writable().await?.clear_ready();
        Ok(())
    }
}

/// One timer that rings to the microsecond: tokio's own rings on full milliseconds, in which a service that
/// writes flat out fills its pipe and is blocked.
#[derive(Debug)]
pub struct Alarm(Watched);

impl Alarm {
    /// Makes one that does not ring. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// What timerfd_create(2) says.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self(Watched::new(timer, Interest::READABLE)?))
    }

    /// Lets it ring once after this time, or never; what was set before is forgotten.
    ///
    /// # Errors
    /// What timerfd_settime(2) says; only a wrong time is refused.
    pub fn set(&self, after: Option<Duration>) -> io::Result<()> {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Zero would mean never.
        let after = after.map(|after| after.max(Duration::from_nanos(1)));
        let it_value = match after.map(Timespec::try_from) {
            None => never,
            Some(after) => after.map_err(|_| io::ErrorKind::InvalidInput)?,
        };
        let once = Itimerspec { it_interval: never, it_value };
        timerfd_settime(self.0.fd(), TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Waits until it rings. It may ring once more for a time that was set before.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn rung(&self) -> io::Result<()> {
        self.0.readable().await
    }
}

/// Wakes when the wall clock is set or the machine has slept, and never otherwise.
#[derive(Debug)]
pub struct ClockWatch(Watched);

impl ClockWatch {
    /// Watches from now on. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// What timerfd_create(2) and timerfd_settime(2) say.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        let watch = Self(Watched::new(timer, Interest::READABLE)?);
        watch.arm()?;
        Ok(watch)
    }

    /// Waits until the clock was set since this was last asked.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn was_set(&self) -> io::Result<()> {
        self.0.readable().await?;
        self.arm()
    }

    /// A timer for a day that never comes, which the kernel cancels when the clock is set.
    fn arm(&self) -> io::Result<()> {
        let never = Timespec { tv_sec: i64::from(u32::MAX) * 2, tv_nsec: 0 };
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval: none, it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(self.0.fd(), flags, &once) {
            // Armed all the same: it says that the clock was set since the last time.
            Err(rustix::io::Errno::CANCELED) => Ok(()),
            armed => Ok(armed.map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_rings_once_and_for_the_last_time_that_was_set() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let alarm = Alarm::new().expect("a timer");
            let long = Duration::from_secs(3600);
            let soon = |limit| tokio::time::timeout(Duration::from_millis(limit), alarm.rung());
            assert!(soon(20).await.is_err(), "nothing was set");
            alarm.set(Some(long)).expect("set");
            alarm.set(Some(Duration::ZERO)).expect("set");
            assert!(soon(10_000).await.is_ok(), "zero is at once, not never");
            assert!(soon(20).await.is_err(), "only once");
        });
    }
}
