//! The server: connections, the paths, and an answer in JSON for whatever is refused.
//!
//! One thread moves bytes; what takes time (pictures, the network, the disk) runs on others, at
//! most as many at once as there may be requests. A request whose client is gone is answered all
//! the same, to nobody.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::desk::Desk;
use super::guard::{check_body, check_method, check_sender};
use super::limits::{
    MOST_BODY, MOST_CONNECTIONS, MOST_REQUESTS, MOST_SECONDS, MOST_SECONDS_UNREAD,
};
use super::refusal::Refusal;
use super::unread::Unread;

/// Connections beyond the most that are still told so; others are closed without a word.
const MOST_TURNED_AWAY: usize = 32;
/// The most bytes of a refused body that are read and dropped, so that its sender hears the answer.
const MOST_DROPPED: usize = 64 << 20;
/// How long the system is left alone when it has no more connections to give.
const PAUSE: Duration = Duration::from_millis(50);

/// The page's files: path, type and text.
const FILES: [(&str, &str, &str); 6] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/page.html"),
    ),
    (
        "/page.css",
        "text/css; charset=utf-8",
        include_str!("page/page.css"),
    ),
    (
        "/page.js",
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    ),
    (
        "/pad.js",
        "text/javascript; charset=utf-8",
        include_str!("page/pad.js"),
    ),
    (
        "/server.js",
        "text/javascript; charset=utf-8",
        include_str!("page/server.js"),
    ),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// What every answer says: the page takes nothing from elsewhere, is shown in no other page, and
/// is kept by no cache.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

type Answer = Response<Full<Bytes>>;

/// Listens on the loopback address alone; port 0 takes a free one.
///
/// # Errors
/// If the system refuses, with what to do.
pub fn listen(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| anyhow::anyhow!("127.0.0.1:{port}: {}", why_not(error.kind(), &error)))
}

fn why_not(kind: io::ErrorKind, error: &io::Error) -> String {
    match kind {
        io::ErrorKind::AddrInUse => {
            "another program listens there; choose another --port, or 0 for a free one".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "the system keeps this port for itself; choose a --port from 1024".to_owned()
        }
        _ => format!("cannot be listened on: {error}"),
    }
}

/// What all connections share.
struct Shared {
    desk: Arc<Desk>,
    port: u16,
    requests: Arc<Semaphore>,
}

/// Answers until `stop` is ready; a set that is being saved then is saved whole.
///
/// # Errors
/// If the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let shared = Arc::new(Shared {
        desk: Arc::clone(&desk),
        port,
        requests: Arc::new(Semaphore::new(MOST_REQUESTS)),
    });
    let served = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let turned_away = Arc::new(Semaphore::new(MOST_TURNED_AWAY));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Too many files are open: those that are served will close some.
            sleep(PAUSE).await;
            continue;
        };
        let (permit, crowded) = match Arc::clone(&served).try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => match Arc::clone(&turned_away).try_acquire_owned() {
                Ok(permit) => (permit, true),
                Err(_) => continue,
            },
        };
        // An answer of two writes would wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(Arc::clone(&shared), stream, permit, crowded));
    }
    desk.finish_saving();
    Ok(())
}

/// Serves one connection to its end; `permit` is given back then.
async fn connection(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    permit: OwnedSemaphorePermit,
    crowded: bool,
) {
    let _permit = permit;
    let stream = Unread::new(stream, Duration::from_secs(MOST_SECONDS_UNREAD));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request, crowded).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(MOST_SECONDS))
        .keep_alive(!crowded)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client may close whenever it likes, or speak no HTTP: nothing is to be done about it.
    drop(served);
}

async fn answer(shared: &Shared, request: Request<Incoming>, crowded: bool) -> Answer {
    let (head, mut body) = request.into_parts();
    let taken = async {
        if crowded {
            return Err(Refusal::Crowded);
        }
        check_sender(&head.uri, &head.headers, shared.port)?;
        let path = head.uri.path();
        if let Some((_, kind, text)) = FILES.iter().find(|(known, ..)| *known == path) {
            check_method(&head.method, "GET")?;
            return Ok(response(kind, Bytes::from_static(text.as_bytes())));
        }
        let ask = Desk::path(path).ok_or(Refusal::NoPath)?;
        check_method(&head.method, ask.method())?;
        if ask.method() == "POST" {
            check_body(&head.headers)?;
        }
        let permit = Arc::clone(&shared.requests).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::Busy)?;
        let bytes = read(&mut body).await?;
        let desk = Arc::clone(&shared.desk);
        let work = move || {
            // However long it takes, and though nobody may wait for it any more.
            let _permit = permit;
            desk.answer(ask, &bytes)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let json = done.map_err(|_| Refusal::Failed)??;
        Ok(response("application/json", Bytes::from(json)))
    };
    match taken.await {
        Ok(answer) => answer,
        Err(refusal) => {
            if !matches!(refusal, Refusal::CutShort) {
                drop_rest(&mut body).await;
            }
            refused(&refusal)
        }
    }
}

/// A body, whole.
async fn read(body: &mut Incoming) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, MOST_BODY).collect();
    match timeout(Duration::from_secs(MOST_SECONDS), whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Refusal::TooLong),
        Ok(Err(_)) | Err(_) => Err(Refusal::CutShort),
    }
}

/// Reads on what is not wanted: a connection that is closed on a client that still writes resets
/// it, and its client never sees why.
async fn drop_rest(body: &mut Incoming) {
    let rest = async {
        let mut left = MOST_DROPPED;
        while let Some(Ok(frame)) = body.frame().await {
            let got = frame.data_ref().map_or(0, Bytes::len);
            if got > left {
                break;
            }
            left -= got;
        }
    };
    // In time or not, the answer is given.
    let _ = timeout(Duration::from_secs(MOST_SECONDS), rest).await;
}

fn response(kind: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refused(refusal: &Refusal) -> Answer {
    let json = serde_json::json!({ "error": refusal.to_string() });
    let mut response = response("application/json", Bytes::from(json.to_string()));
    *response.status_mut() = refusal.status();
    if let Refusal::OtherMethod(method) = refusal {
        (response.headers_mut()).insert(ALLOW, HeaderValue::from_static(method));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::archive::ScanOptions;
    use crate::onnx::Session;
    use crate::siamese::draw::known::Known;
    use crate::siamese::draw::sets::Sets;

    const MOST: Duration = Duration::from_secs(MOST_SECONDS_UNREAD);

    /// Does this by a clock that goes on whenever everything waits, and then at once.
    fn by_its_own_clock(work: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        // Whatever would wait for ever does so for an hour, which is over at once.
        let hour = Duration::from_secs(3600);
        runtime.block_on(async { timeout(hour, work).await.unwrap() });
    }

    /// A connection that keeps 64 bytes for its client, which asked for a file of some thousand.
    async fn asked(more: &str) -> (DuplexStream, JoinHandle<()>) {
        let desk = Desk {
            network: Session::pretrained(),
            scan: ScanOptions::default(),
            threshold: None,
            calibration: None,
            sets: Sets::new(PathBuf::new()),
            alphabets: None,
            known: Known::default(),
        };
        let shared = Arc::new(Shared {
            desk: Arc::new(desk),
            port: 8105,
            requests: Arc::new(Semaphore::new(MOST_REQUESTS)),
        });
        let connections = Arc::new(Semaphore::new(1));
        let permit = connections.acquire_owned().await.unwrap();
        let (mut client, stream) = duplex(64);
        let served = tokio::spawn(connection(shared, stream, permit, false));
        let head = format!("GET /page.js HTTP/1.1\r\nhost: localhost:8105\r\n{more}\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        (client, served)
    }

    #[test]
    fn a_client_that_does_not_read_is_not_waited_for() {
        by_its_own_clock(async {
            for more in ["", "connection: close\r\n"] {
                let began = Instant::now();
                let (_client, served) = asked(more).await;
                served.await.unwrap();
                let took = began.elapsed();
                assert!(took.abs_diff(MOST) < Duration::from_secs(1), "{took:?}");
            }
        });
    }

    #[test]
    fn reading_byte_by_byte_puts_off_nothing() {
        by_its_own_clock(async {
            let began = Instant::now();
            let (mut client, served) = asked("connection: close\r\n").await;
            while client.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
                assert!(began.elapsed() < 4 * MOST, "never cut");
            }
            served.await.unwrap();
        });
    }

    #[test]
    fn a_client_that_reads_in_time_gets_all_of_it() {
        by_its_own_clock(async {
            let (mut client, served) = asked("connection: close\r\n").await;
            sleep(MOST / 2).await;
            let mut whole = String::new();
            client.read_to_string(&mut whole).await.unwrap();
            served.await.unwrap();
            assert!(whole.starts_with("HTTP/1.1 200 OK"), "{whole}");
            assert!(whole.ends_with(include_str!("page/page.js")), "{whole}");
        });
    }

    #[test]
    fn a_port_that_cannot_be_had_says_what_to_do() {
        let taken = listen(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen(port).unwrap_err().to_string();
        assert!(error.contains("choose another --port"), "{error}");
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = why_not(denied.kind(), &denied);
        assert!(error.contains("from 1024"), "{error}");
    }

    #[test]
    fn it_listens_on_this_machine_alone() {
        let address = listen(0).unwrap().local_addr().unwrap();
        assert!(address.ip().is_loopback(), "{address}");
    }
}
