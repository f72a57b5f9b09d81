//! The server: who may connect, how many, and how it ends.
//!
//! Bounds: 1200 connections, of which 1000 may read events; past them the kernel keeps clients
//! waiting. Headers take at most 16 KiB, 64 lines and 30 s, which is also how long a connection may
//! be idle; a body takes at most 64 KiB and 10 s. A client that does not read its answer keeps that one
//! answer, or one batch of events, in memory for as long as it stays connected, and holds nobody up. Each connection is a task of its own on the
//! engine's one thread, and none does more than one answer or 64 events in a turn.

use std::future::Future;
use std::io;
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;

use crate::control::feed;
use crate::control::feed::Recent;
use crate::control::routes;
use crate::runtime::handle::Notice;
use crate::runtime::{Handle, Project};

/// How many connections there may be.
pub const CONNECTIONS: usize = 1200;
/// How long the headers of a request may take, and how long a connection may be idle.
pub const IDLE: Duration = Duration::from_secs(30);
/// How long clients are given to take what is left for them at the end.
pub const LINGER: Duration = Duration::from_secs(2);
/// The largest header of a request, in bytes.
const LARGEST_HEADER: usize = 16 << 10;
/// How long accepting pauses when this process or the machine is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The server of a project, which keeps what happens from the moment it is made.
#[derive(Debug)]
pub struct Server {
    handle: Handle,
    project: Project,
    notices: broadcast::Receiver<Arc<Notice>>,
}

impl Server {
    /// Makes the server of a project. What happens from now on can be asked for later, so this comes
    /// before the driver's first event.
    pub fn new(handle: Handle, project: Project) -> Self {
        let notices = handle.subscribe();
        Self { handle, project, notices }
    }

    /// Serves until `shutdown` comes; then takes no more connections, gives every reader of events
    /// what happened before that, and waits for connections to end, for at most [`LINGER`].
    ///
    /// # Errors
    ///
    /// When the listener cannot be used at all.
    pub async fn serve(self, listener: UnixListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Self { handle, project, mut notices } = self;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let (recent, reading) = watch::channel(Recent::default());
        let readers = Arc::new(Semaphore::new(routes::READERS));
        let router = routes::router(routes::Context { handle, project, recent: reading, readers });
        let (closing, closed) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                notice = notices.recv() => feed::collect(&recent, notice.ok(), &mut notices),
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(converse(stream, router.clone(), closed.clone()));
                    }
                    Err(error) if out_of_resources(&error) => tokio::time::sleep(PAUSE).await,
                    // The client went away before it was accepted.
                    Err(_) => {}
                },
            }
        }
        drop(listener);
        feed::collect(&recent, None, &mut notices);
        feed::close(&recent);
        closing.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(LINGER, all).await.is_err() {
            connections.shutdown().await;
        }
        Ok(())
    }
}

/// Talks to one client until either side ends it.
async fn converse(stream: UnixStream, router: Router, mut closed: watch::Receiver<bool>) {
    let Ok(peer) = stream.peer_cred() else { return };
    let owner = nix::unistd::geteuid().as_raw();
    let allowed = peer.uid() == owner || peer.uid() == 0;
    let router = if allowed { router } else { routes::forbidding() };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(LARGEST_HEADER)
        .max_headers(64)
        .keep_alive(allowed)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // How a connection ends is its client's business: it went away, or broke the protocol and was
    // told so.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closed.wait_for(|closed| *closed) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Whether accepting would fail again at once, because the client stays in the queue.
fn out_of_resources(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
