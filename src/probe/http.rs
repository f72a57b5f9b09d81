//! The probe `http="http://HOST:PORT/PATH"`: a GET request is answered with a status in the range.
//!
//! HTTP/1.1 without TLS, one connection an attempt, redirects not followed, the body not read: what
//! is asked is whether the service answers, not what.

use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::probe::{Http, Outcome};

/// Makes one attempt; the caller bounds its time.
pub async fn attempt(probe: &Http) -> Outcome {
    let stream = match TcpStream::connect(&*probe.authority).await {
        Ok(stream) => stream,
        Err(error) => return Outcome::of_error(&error),
    };
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
        Ok(both) => both,
        Err(error) => return Outcome::failed(error.to_string()),
    };
    let request = match request(probe) {
        Ok(request) => request,
        Err(error) => return Outcome::failed(error.to_string()),
    };
    // The connection is driven here, not in a task of its own: it ends with the attempt. It may end
    // in the very step that delivers the answer, so its end decides nothing.
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    match answer {
        Ok(response) => {
            let status = response.status().as_u16();
            let detail = format!("HTTP {status}");
            let (lowest, highest) = probe.status;
            if (lowest..=highest).contains(&status) {
                Outcome::passed(detail)
            } else {
                Outcome::failed(detail)
            }
        }
        Err(error) => Outcome::failed(error.to_string()),
    }
}

fn request(probe: &Http) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let mut builder = Request::get(&*probe.path);
    let names = |name: hyper::header::HeaderName| {
        probe.headers.iter().any(|(n, _)| name.as_str().eq_ignore_ascii_case(n))
    };
    if !names(HOST) {
        builder = builder.header(HOST, &*probe.authority);
    }
    if !names(USER_AGENT) {
        builder = builder.header(USER_AGENT, concat!("svc/", env!("CARGO_PKG_VERSION")));
    }
    builder = builder.header(CONNECTION, "close");
    for (name, value) in &probe.headers {
        builder = builder.header(name, &**value);
    }
    builder.body(Empty::new())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with `answer`, probes it, and returns the outcome and the request's text.
    async fn probed(answer: &'static str, change: impl FnOnce(&mut Http)) -> (Outcome, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let authority = listener.local_addr().expect("bound").to_string().into();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("request"));
            }
            stream.write_all(answer.as_bytes()).await.expect("written");
            String::from_utf8(request).expect("text")
        });
        let mut probe = Http {
            authority,
            path: "/healthz?a=b".into(),
            secret: false,
            headers: vec![],
            status: (200, 399),
        };
        change(&mut probe);
        let outcome = attempt(&probe).await;
        (outcome, server.await.expect("server"))
    }

    #[tokio::test]
    async fn the_status_decides() {
        let (outcome, request) = probed("HTTP/1.1 204 No Content\r\n\r\n", |_| {}).await;
        assert_eq!(outcome, Outcome::passed("HTTP 204"));
        assert!(request.starts_with("GET /healthz?a=b HTTP/1.1\r\n"), "{request}");
        let (outcome, _) = probed("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", |_| {}).await;
        assert_eq!(outcome, Outcome::failed("HTTP 503"));
        let (outcome, _) = probed("HTTP/1.1 204 No Content\r\n\r\n", |p| p.status = (200, 200)).await;
        assert_eq!(outcome, Outcome::failed("HTTP 204"));
    }

    #[tokio::test]
    async fn headers_are_sent_and_may_replace_the_host() {
        let (_, request) = probed("HTTP/1.1 200 OK\r\n\r\n", |p| {
            p.headers =
                vec![("Authorization".into(), "Bearer x".into()), ("host".into(), "shop.example".into())];
        })
        .await;
        assert!(request.contains("authorization: Bearer x\r\n"), "{request}");
        assert_eq!(request.matches("host:").count(), 1, "{request}");
        assert!(request.contains("host: shop.example\r\n"), "{request}");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_http_fails_and_never_hangs() {
        let (outcome, _) = probed("hello\r\n\r\n", |_| {}).await;
        assert!(!outcome.passed, "{outcome:?}");
        let (outcome, _) = probed("", |_| {}).await;
        assert!(!outcome.passed, "{outcome:?}");
    }
}
