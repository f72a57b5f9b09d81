//! The client of the API: what the command line talks through.
//!
//! Every request has a connection of its own. Over a Unix socket that costs some twenty
//! microseconds, and none is ever found to have gone stale in a `svc up` that runs for weeks.

use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::control::wire;

/// The largest answer that is taken: some 100 000 instances.
const LARGEST_ANSWER: usize = 256 << 20;
/// The longest event that is taken.
const LARGEST_EVENT: usize = 1 << 20;

/// A client of one project's supervisor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket, or nobody listens on it any more.
    #[error("no supervisor runs for this project")]
    NotRunning,
    /// The socket belongs to somebody else.
    #[error("no permission to use `{socket}`")]
    PermissionDenied {
        /// The socket.
        socket: PathBuf,
    },
    /// Connecting failed in some other way.
    #[error("cannot connect to `{socket}`")]
    Io {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a call was not answered as it should be.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The supervisor refused.
    #[error("{}", .0.detail)]
    Refused(wire::Problem),
    /// The connection broke before the answer was complete: most likely the supervisor has ended.
    #[error("the supervisor hung up")]
    HungUp(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is not one that this version of svc understands.
    #[error("cannot read the supervisor's answer (status {status})")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Events as they happen.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    buffer: Vec<u8>,
    /// How much of `buffer` was taken out as lines.
    taken: usize,
    /// How much of `buffer` was taken, or is known to hold no line end.
    searched: usize,
    /// Drives the connection; ends with the stream.
    _connection: JoinSet<()>,
}

impl Client {
    /// Makes a client, after a look whether a supervisor listens on `socket`.
    ///
    /// # Errors
    ///
    /// [`ConnectError::NotRunning`] when nobody does.
    pub async fn connect(socket: &Path) -> Result<Self, ConnectError> {
        let client = Self { socket: socket.to_owned() };
        client.dial().await?;
        Ok(client)
    }

    /// Asks for the project.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn project(&self) -> Result<wire::Project, CallError> {
        self.get("/v1/project").await
    }

    /// Asks how every instance is.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn services(&self) -> Result<wire::Services, CallError> {
        self.get("/v1/services").await
    }

    /// Asks for one service (`api`) or one instance (`api.0`) in detail.
    ///
    /// # Errors
    ///
    /// [`CallError::Refused`] with [`wire::Code::UnknownService`] when nobody has that name.
    pub async fn service(&self, name: &str) -> Result<wire::Service, CallError> {
        self.get(&format!("/v1/services/{}", encoded(name))).await
    }

    /// Hands in a command; its end comes as an event after the sequence that is returned.
    ///
    /// # Errors
    ///
    /// [`CallError::Refused`] with [`wire::Code::UnknownService`] when nobody has one of its names.
    pub async fn command(&self, command: &wire::Command) -> Result<wire::Accepted, CallError> {
        self.post("/v1/commands", command).await
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// As [`Client::command`]; [`wire::Code::Malformed`] when it is no signal.
    pub async fn signal(&self, order: &wire::SignalOrder) -> Result<wire::Signalled, CallError> {
        self.post("/v1/signals", order).await
    }

    /// Makes one attempt of each of these probes and waits for their answers.
    ///
    /// # Errors
    ///
    /// As [`Client::command`].
    pub async fn probe(&self, order: &wire::ProbeOrder) -> Result<wire::Probes, CallError> {
        self.post("/v1/probes", order).await
    }

    /// Asks how the processes of an instance are made.
    ///
    /// # Errors
    ///
    /// [`CallError::Refused`] with [`wire::Code::UnknownService`] when nobody has that name, with
    /// [`wire::Code::Ambiguous`] when several have.
    pub async fn launch(&self, name: &str) -> Result<wire::Launch, CallError> {
        self.get(&format!("/v1/services/{}/launch", encoded(name))).await
    }

    /// Asks for the service file to be put in force, or what that would do.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn plan(&self, proposal: &wire::Proposal) -> Result<wire::Planned, CallError> {
        self.post("/v1/plan", proposal).await
    }

    /// Asks for the health of the project; that it is bad is an answer, not an error.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn health(&self, level: wire::Level) -> Result<wire::Health, CallError> {
        self.get(match level {
            wire::Level::Alive => "/health?level=alive",
            wire::Level::Ready => "/health?level=ready",
        })
        .await
    }

    /// Subscribes to what happens: to everything after an event, or to everything from now on.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn events(&self, after: Option<u64>) -> Result<EventStream, CallError> {
        self.stream(&match after {
            Some(sequence) => format!("/v1/events?after={sequence}"),
            None => "/v1/events".to_owned(),
        })
        .await
    }

    /// Asks for what has happened and is still kept: the stream ends with the present.
    ///
    /// # Errors
    ///
    /// [`CallError`], as with every call.
    pub async fn past_events(&self) -> Result<EventStream, CallError> {
        self.stream("/v1/events?after=0&follow=false").await
    }

    async fn stream(&self, path: &str) -> Result<EventStream, CallError> {
        let (response, connection) = self.send(get(path)).await?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        let body = response.into_body();
        Ok(EventStream { body, buffer: Vec::new(), taken: 0, searched: 0, _connection: connection })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.answer(get(path)).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, order: &impl Serialize) -> Result<T, CallError> {
        let body = serde_json::to_vec(order).expect("an order can be written as JSON");
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(hyper::header::HOST, "svc")
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("the parts of the request are valid");
        self.answer(request).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, CallError> {
        let (response, _connection) = self.send(request).await?;
        let status = response.status();
        let problem = response
            .headers()
            .get(hyper::header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/problem+json");
        if problem {
            return Err(refusal(response).await);
        }
        let body = whole(response).await?;
        serde_json::from_slice(&body).map_err(|source| CallError::Answer { status: status.as_u16(), source })
    }

    /// Sends a request over a connection of its own, which lives as long as what is returned with
    /// the answer.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, JoinSet<()>), CallError> {
        let stream = self.dial().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(hung_up)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // How it ended is told to whoever reads the answer.
            let _ = connection.await;
        });
        let response = sender.send_request(request).await.map_err(hung_up)?;
        Ok((response, driver))
    }

    async fn dial(&self) -> Result<UnixStream, ConnectError> {
        let socket = &self.socket;
        UnixStream::connect(socket).await.map_err(|source| match source.kind() {
            // Who was still in the queue when the listener was killed is reset.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                ConnectError::NotRunning
            }
            io::ErrorKind::PermissionDenied => ConnectError::PermissionDenied { socket: socket.clone() },
            _ => ConnectError::Io { socket: socket.clone(), source },
        })
    }
}

impl EventStream {
    /// Waits for the next event; `None` when the supervisor has ended the stream, which it does
    /// after [`wire::Happening::Ended`], or without it when its engine is being replaced.
    ///
    /// # Errors
    ///
    /// [`CallError::HungUp`] when the connection broke.
    pub async fn next(&mut self) -> Result<Option<wire::Event>, CallError> {
        loop {
            if let Some(line) = self.line() {
                // Other lines repeat what `data` holds, or separate and comment.
                let Some(data) = line.strip_prefix(b"data: ") else { continue };
                return serde_json::from_slice(data)
                    .map(Some)
                    .map_err(|source| CallError::Answer { status: 200, source });
            }
            if self.buffer.len() > LARGEST_EVENT {
                return Err(CallError::HungUp("an event is longer than 1 MiB".into()));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame.map_err(hung_up)?.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// Takes the first complete line out of the buffer, without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.buffer.drain(..self.taken);
            (self.taken, self.searched) = (0, self.buffer.len());
            return None;
        };
        let end = self.searched + end;
        let line = self.buffer[self.taken..end].to_vec();
        (self.taken, self.searched) = (end + 1, end + 1);
        Some(line)
    }
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .uri(path)
        .header(hyper::header::HOST, "svc")
        .body(Full::default())
        .expect("the parts of the request are valid")
}

/// Reads an answer to its end.
async fn whole(response: Response<Incoming>) -> Result<Bytes, CallError> {
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    Ok(body.map_err(CallError::HungUp)?.to_bytes())
}

/// Reads why a request was refused.
async fn refusal(response: Response<Incoming>) -> CallError {
    let status = response.status().as_u16();
    match whole(response).await.map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(problem)) => CallError::Refused(problem),
        Ok(Err(source)) => CallError::Answer { status, source },
        Err(error) => error,
    }
}

fn hung_up(error: hyper::Error) -> CallError {
    CallError::HungUp(error.into())
}

/// Writes a name so that it can stand in a path (RFC 3986, section 2.1).
fn encoded(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for &byte in name.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
