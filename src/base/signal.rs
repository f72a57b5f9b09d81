//! Signals by name.

use std::fmt;

/// A signal of the Linux kernel, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Names and numbers on the architectures svc runs on (x86-64, arm64 and riscv64 agree); see
/// signal(7).
const NAMES: &[(&str, u8)] = &[
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
    ("SIGSTKFLT", 16),
    ("SIGCHLD", 17),
    ("SIGCONT", 18),
    ("SIGSTOP", 19),
    ("SIGTSTP", 20),
    ("SIGTTIN", 21),
    ("SIGTTOU", 22),
    ("SIGURG", 23),
    ("SIGXCPU", 24),
    ("SIGXFSZ", 25),
    ("SIGVTALRM", 26),
    ("SIGPROF", 27),
    ("SIGWINCH", 28),
    ("SIGIO", 29),
    ("SIGPWR", 30),
    ("SIGSYS", 31),
];

/// The first real-time signal a program may use under glibc (`SIGRTMIN`).
const REALTIME_MIN: u8 = 34;
/// The highest signal number.
const MAX: u8 = 64;

impl Signal {
    /// Hang-up.
    pub const HUP: Self = Self(1);
    /// Interrupt, as Ctrl-C sends it.
    pub const INT: Self = Self(2);
    /// Quit.
    pub const QUIT: Self = Self(3);
    /// Abort, with a core dump.
    pub const ABRT: Self = Self(6);
    /// Kill, which no process can catch.
    pub const KILL: Self = Self(9);
    /// A child has ended.
    pub const CHLD: Self = Self(17);
    /// Terminate: the ordinary request to stop.
    pub const TERM: Self = Self(15);

    /// Makes a signal from its number; `None` outside 1 to 64.
    pub const fn from_number(number: i32) -> Option<Self> {
        if number >= 1 && number <= MAX as i32 { Some(Self(number as u8)) } else { None }
    }

    /// Reads `SIGTERM`, `TERM`, `term`, `SIGRTMIN+3` or `15`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number);
        }
        let short = without(text, "SIG").unwrap_or(text);
        if let Some(offset) = without(short, "RTMIN") {
            let offset = match offset.strip_prefix('+') {
                Some(digits) => digits.parse::<u8>().ok()?,
                None if offset.is_empty() => 0,
                None => return None,
            };
            let number = REALTIME_MIN.checked_add(offset)?;
            return (number <= MAX).then_some(Self(number));
        }
        NAMES.iter().find(|(name, _)| name[3..].eq_ignore_ascii_case(short)).map(|&(_, number)| Self(number))
    }

    /// Returns the kernel's number of this signal.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Returns the names `parse` knows, without the real-time ones.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|&(name, _)| name)
    }
}

/// Takes `start` off a text that begins with it, in whatever case.
fn without<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let (first, rest) = text.split_at_checked(start.len())?;
    first.eq_ignore_ascii_case(start).then_some(rest)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|&&(_, number)| number == self.0) {
            Some((name, _)) => f.write_str(name),
            None if self.0 >= REALTIME_MIN => write!(f, "SIGRTMIN+{}", self.0 - REALTIME_MIN),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_people_use_names_the_same_signal() {
        for text in ["SIGTERM", "TERM", "term", "sigterm", "15"] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::parse("SIGRTMIN+3").map(Signal::number), Some(37));
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for text in ["", "0", "65", "SIGNOPE", "RTMIN+99", "RTMIN3", "-1"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_signal_prints_as_it_is_read() {
        for number in 1..=MAX as i32 {
            let signal = Signal::from_number(number).expect("in range");
            let text = signal.to_string();
            let read = Signal::parse(text.strip_prefix("signal ").unwrap_or(&text));
            assert_eq!(read, Some(signal));
        }
    }
}
