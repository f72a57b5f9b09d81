//! What services say: by their notify sockets and in their logs.

use std::io;

use nix::errno::Errno;
use nix::unistd::{Pid, getsid};

use crate::engine::Event;
use crate::graph::InstanceId;
use crate::logs::Channel;
use crate::logs::pump::{Notice, Report};
use crate::logs::send::News;
use crate::runtime::driver::Driver;
use crate::runtime::handle::Happening;
use crate::runtime::notify::Said;
use crate::runtime::slot::SlotKey;

impl Driver {
    /// Takes a message of a notify socket; one from a stranger is void.
    pub(crate) fn hear_service(&mut self, instance: InstanceId, sender: u32, said: Vec<Said>) {
        let slot = &self.slots[instance.0 as usize];
        let (Some(invocation), Some(main)) = (slot.life, slot.pid) else { return };
        if !belongs(sender, main) {
            return;
        }
        for word in said {
            match word {
                Said::Ready => self.pending.push_back(Event::Ready { invocation }),
                Said::Stopping => self.pending.push_back(Event::Stopping { invocation }),
                Said::ExtendTimeout(by) => self.pending.push_back(Event::ExtendTimeout { invocation, by }),
                Said::Status(text) => self.pending.push_back(Event::Status { invocation, text }),
            }
        }
    }

    /// Takes what an instance said before its main process ended.
    pub(crate) fn last_words(&mut self, instance: InstanceId) {
        let (key, wall) = (self.slots[instance.0 as usize].key, self.clock.wall());
        let drained = Channel::BOTH.map(|channel| {
            let pump = self.pumps.get_mut(key.pump(channel))?;
            let report = pump.drain(wall);
            pump.end_line(wall);
            Some(report)
        });
        if let Some(socket) = self.slots[instance.0 as usize].notify.clone() {
            while let Ok((sender, said)) = socket.receive() {
                self.hear_service(instance, sender, said);
            }
        }
        for report in drained.into_iter().flatten() {
            let news = self.hear_report(instance, report);
            self.pending.extend(news);
        }
    }

    /// Gives every pump that has something to do its turn.
    ///
    /// # Errors
    ///
    /// The kernel refuses to set the alarm of their next turn.
    pub(crate) fn turn_pumps(&mut self) -> io::Result<()> {
        let mut reports = Vec::new();
        let rest = self.pumps.turn(self.clock.now(), self.clock.wall(), &mut reports);
        self.pumps_due.set(rest)?;
        for (key, report) in reports {
            let news =
                self.place(SlotKey::of_pump(key)).and_then(|instance| self.hear_report(instance, report));
            self.pending.extend(news);
        }
        Ok(())
    }

    /// Takes what a drain found; returns the news when it was the line a readiness waits for.
    fn hear_report(&mut self, instance: InstanceId, report: Report) -> Option<Event> {
        for notice in report.notices {
            self.hear_log(instance, notice);
        }
        let invocation = self.slots[instance.0 as usize].life?;
        report.matched.then_some(Event::Ready { invocation })
    }

    /// Passes on what happened to an instance's log.
    pub(crate) fn hear_log(&mut self, instance: InstanceId, notice: Notice) {
        let (bytes, reason) = match notice {
            Notice::Failed(error) => (0, chain(&error)),
            Notice::Sending(News::Stuck { to, source }) => {
                (0, format!("lines cannot be sent to {to}: {}", io::Error::from(source)))
            }
            Notice::Sending(News::Sent { to, dropped }) => {
                (0, format!("lines are sent to {to} again; {dropped} were not"))
            }
            Notice::Resumed { lost, .. } => (lost, "the log can be written again".to_owned()),
        };
        let instance = self.plan.instance(instance).name.to_string();
        self.publish(Happening::LogGap { instance, bytes, reason });
    }
}

/// Returns whether a process belongs to a service: it is its main process or in its session. One
/// that has ended meanwhile is believed, since the socket's permissions let nobody else in.
fn belongs(sender: u32, main: u32) -> bool {
    let pid = |number: u32| Pid::from_raw(number.cast_signed());
    sender == main
        || match getsid(Some(pid(sender))) {
            Ok(session) => session == pid(main),
            Err(errno) => errno == Errno::ESRCH,
        }
}

/// Joins an error and what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
