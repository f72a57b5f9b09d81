//! Recent events, for readers who come a moment later or read slowly.
//!
//! One collector puts every notice into one bounded list; each reader keeps nothing but its place in
//! it. So a slow reader costs no memory and holds nobody up: what leaves the list before it was read
//! is counted, and the reader is told.

use std::collections::VecDeque;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

use crate::control::show;
use crate::control::wire;
use crate::runtime::Handle;
use crate::runtime::handle::Notice;

/// How many events are kept; some 128 bytes each.
pub(crate) const RECENT: usize = 2048;
/// How many events a reader is handed at once.
const BATCH: usize = 64;

/// The recent events, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    notices: VecDeque<Arc<Notice>>,
    over: bool,
}

impl Recent {
    /// Iterates over what is kept, oldest first.
    pub(crate) fn notices(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.notices.iter().map(Arc::as_ref)
    }

    fn push(&mut self, notice: Arc<Notice>) {
        if self.notices.len() == RECENT {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    /// Returns the next events after `sequence`, at most [`BATCH`].
    fn after(&self, sequence: u64) -> Vec<Arc<Notice>> {
        let first = self.notices.partition_point(|notice| notice.sequence <= sequence);
        self.notices.range(first..).take(BATCH).cloned().collect()
    }
}

/// Keeps a notice and every other that is there already.
pub(crate) fn collect(
    recent: &watch::Sender<Recent>,
    first: Option<Arc<Notice>>,
    notices: &mut broadcast::Receiver<Arc<Notice>>,
) {
    recent.send_modify(|recent| {
        first.into_iter().for_each(|notice| recent.push(notice));
        loop {
            match notices.try_recv() {
                Ok(notice) => recent.push(notice),
                // The numbers show the gap to every reader.
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => break,
            }
        }
    });
}

/// Lets every reader end once it has read what is there.
pub(crate) fn close(recent: &watch::Sender<Recent>) {
    recent.send_modify(|recent| recent.over = true);
}

/// A reader's place in the recent events.
pub(crate) struct Reader {
    pub(crate) recent: watch::Receiver<Recent>,
    /// The last event it was given, or does not want.
    pub(crate) place: u64,
    /// The last event it wants, and who knows whether that is among the recent ones yet.
    pub(crate) until: Option<(u64, Handle)>,
    /// One of as many as there may be.
    pub(crate) _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Waits for further events and writes them as server-sent events; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let (batch, over) = {
                let recent = self.recent.borrow_and_update();
                (recent.after(self.place), recent.over)
            };
            let complete = match &self.until {
                Some((last, handle)) => self.place >= *last || (batch.is_empty() && handle.is_up_to_date()),
                None => false,
            };
            if complete {
                return None;
            }
            if !batch.is_empty() {
                return Some(self.write(&batch));
            }
            if over {
                return None;
            }
            self.recent.changed().await.ok()?;
        }
    }

    fn write(&mut self, batch: &[Arc<Notice>]) -> Bytes {
        let mut text = Vec::with_capacity(256 * batch.len());
        for notice in batch {
            let missed = notice.sequence - self.place - 1;
            if missed > 0 {
                let happening = wire::Happening::Missed { count: missed };
                write(&mut text, &wire::Event { sequence: notice.sequence - 1, at: notice.at, happening });
            }
            write(&mut text, &show::event(notice));
            self.place = notice.sequence;
        }
        text.into()
    }
}

/// Writes one event in the form of the HTML standard's server-sent events.
fn write(text: &mut Vec<u8>, event: &wire::Event) {
    text.extend_from_slice(format!("id: {}\ndata: ", event.sequence).as_bytes());
    serde_json::to_writer(&mut *text, event).expect("an event can be written as JSON");
    text.extend_from_slice(b"\n\n");
}
