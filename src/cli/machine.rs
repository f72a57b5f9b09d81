//! svc as the first process of a machine: when it ends the machine does, because the kernel panics when its
//! first process is gone.
//!
//! Not of a container, whose end is the end of its first process.

use std::io::{self, Write};

use crate::cli::exit::Exit;
use crate::sys::machine;

/// The machine this process is the first of.
#[derive(Debug)]
pub struct Machine(());

impl Machine {
    /// Takes charge of the machine; `None` when somebody else has it. To be called once, at the start.
    pub fn claim() -> Option<Self> {
        machine::is_first().then_some(Self(()))
    }

    /// Ends the machine: starts it anew after Ctrl-Alt-Del (`SIGINT`), else switches it off. Returns when the
    /// kernel refuses.
    pub fn end(self, exit: Exit) {
        let anew = exit == Exit::Interrupted;
        let does = if anew { "starts anew" } else { "is switched off" };
        let say = |words: &str| {
            // Nobody else can be told.
            let _ = io::stderr().lock().write_all(words.as_bytes());
        };
        say(&format!("svc has ended with exit code {}; the machine {does}\n", exit.code()));
        machine::kill_all_others();
        machine::settle_disks();
        let error = if anew { machine::restart() } else { machine::power_off() };
        say(&format!("svc cannot end the machine: {error}\n"));
    }
}
