//! Output of services as they write it, on stdout: `logs -f` and a foreground `up`.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use tokio::io::Interest;

use crate::cli::exit::{Exit, Trouble};
use crate::cli::session::{Change, Watch};
use crate::cli::signals::Signals;
use crate::logs::follow::Follow;
use crate::logs::format::Formatter;
use crate::logs::read::{Query, Reader};
use crate::sys::watch::Watched;

/// Logs that are followed.
#[derive(Debug)]
pub struct Stream {
    follow: Follow,
    /// Wakes when `follow` has something to read.
    woken: Watched,
    formatter: Formatter,
}

impl Stream {
    /// Prints what is there already and goes on behind it.
    ///
    /// # Errors
    ///
    /// A log cannot be read or watched, or the reader of our output went away.
    pub fn open(logs: &[PathBuf], query: &Query, mut formatter: Formatter) -> io::Result<Self> {
        let mut reader = Reader::open(logs, query)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        for line in reader.by_ref() {
            formatter.write(&line, &mut out)?;
        }
        out.flush()?;
        let follow = Follow::new(reader)?;
        let woken = Watched::new(follow.as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        let mut stream = Self { follow, woken, formatter };
        stream.drain()?;
        Ok(stream)
    }

    /// Waits until something was written and prints it.
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub async fn pass(&mut self) -> io::Result<()> {
        self.woken.readable().await?;
        self.drain()
    }

    /// Prints what was written up to now.
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub fn drain(&mut self) -> io::Result<()> {
        let mut lines = Vec::new();
        let mut out = io::BufWriter::new(io::stdout().lock());
        loop {
            let more = self.follow.read(&mut lines)?;
            for line in lines.drain(..) {
                self.formatter.write(&line, &mut out)?;
            }
            if !more {
                break;
            }
        }
        out.flush()
    }
}

/// Follows until a signal comes or the supervisor ends.
///
/// # Errors
///
/// A log cannot be read.
pub async fn until_end(
    stream: &mut Stream,
    watch: &mut Watch,
    signals: &mut Signals,
) -> Result<Exit, Trouble> {
    loop {
        tokio::select! {
            passed = stream.pass() => passed?,
            interrupt = signals.next() => {
                stream.drain()?;
                return Ok(interrupt.exit());
            }
            change = watch.next() => match change {
                Change::Event(_) | Change::Resumed => {}
                Change::Ended(_) | Change::Gone => {
                    stream.drain()?;
                    return Ok(Exit::Done);
                }
            },
        }
    }
}
