//! Output of services as they write it: `logs -f` and a foreground `up`.
//!
//! It comes in batches of some 64 KiB a log, so that a service that writes without end holds up
//! neither a signal nor the news of the others.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use tokio::io::Interest;

use crate::cli::exit::{Exit, Trouble};
use crate::cli::session::{Change, Watch};
use crate::cli::signals::Signals;
use crate::logs::follow::Follow;
use crate::logs::format::Formatter;
use crate::logs::read::{Line, Query, Reader};
use crate::sys::watch::Watched;

/// Logs that are followed.
#[derive(Debug)]
pub struct Stream {
    follow: Follow,
    /// Wakes when `follow` has something to read.
    woken: Watched,
    /// Whether the last batch left something behind.
    more: bool,
    formatter: Formatter,
    lines: Vec<Line>,
}

impl Stream {
    /// Prints what is there already; the rest comes as it is written.
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
        // The first batch sets the watches; nobody is woken before that.
        Ok(Self { follow, woken, more: true, formatter, lines: Vec::new() })
    }

    /// Waits until there may be a batch.
    ///
    /// # Errors
    ///
    /// The kernel refuses to wait.
    pub async fn ready(&self) -> io::Result<()> {
        if self.more {
            // The runtime has one thread: whoever is always ready has to let the others have it.
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.woken.readable().await
    }

    /// Takes the next batch as it is shown; empty when nothing was written. With `whole` it ends with a
    /// line end, even if the line goes on.
    ///
    /// # Errors
    ///
    /// A log cannot be read.
    pub fn batch(&mut self, whole: bool) -> io::Result<Vec<u8>> {
        self.more = self.follow.read(&mut self.lines)?;
        let mut text = Vec::new();
        for line in self.lines.drain(..) {
            self.formatter.write(&line, &mut text)?;
        }
        if whole && !text.is_empty() {
            self.formatter.end(&mut text)?;
        }
        Ok(text)
    }

    /// Returns whether the last batch left something behind.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Prints the next batch; returns whether more is there already.
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub fn pass(&mut self) -> io::Result<bool> {
        let text = self.batch(false)?;
        print(&text)?;
        Ok(self.more)
    }

    /// Prints everything that was written, by services that write no more.
    ///
    /// # Errors
    ///
    /// As [`Stream::open`].
    pub fn drain(&mut self) -> io::Result<()> {
        while self.pass()? {}
        self.follow.finish(&mut self.lines)?;
        let mut text = Vec::new();
        for line in self.lines.drain(..) {
            self.formatter.write(&line, &mut text)?;
        }
        self.formatter.end(&mut text)?;
        print(&text)
    }
}

/// Writes output of services to stdout.
///
/// # Errors
///
/// The reader of our output went away.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
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
            biased;
            interrupt = signals.next() => {
                // They go on writing: what is there now is the end.
                stream.pass()?;
                return Ok(interrupt.exit());
            }
            change = watch.next() => match change {
                Change::Event(_) | Change::Resumed => {}
                Change::Ended(_) | Change::Gone => {
                    stream.drain()?;
                    return Ok(Exit::Done);
                }
            },
            ready = stream.ready() => {
                ready?;
                stream.pass()?;
            }
        }
    }
}
