//! Events as the body of an answer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame};

use crate::control::feed::Reader;

type Turn = (Reader, Option<Bytes>);

/// A body that is written as its reader takes it: nothing is fetched before there is room for it.
pub(crate) struct Streamed {
    turn: Option<Pin<Box<dyn Future<Output = Turn> + Send>>>,
}

impl Streamed {
    /// Makes the body of what `reader` is given.
    pub(crate) fn new(reader: Reader) -> Self {
        Self { turn: Some(Box::pin(take(reader))) }
    }
}

async fn take(mut reader: Reader) -> Turn {
    let bytes = reader.next().await;
    (reader, bytes)
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(turn) = &mut self.turn else { return Poll::Ready(None) };
        let (reader, bytes) = ready!(turn.as_mut().poll(context));
        self.turn = bytes.is_some().then(|| Box::pin(take(reader)) as _);
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
