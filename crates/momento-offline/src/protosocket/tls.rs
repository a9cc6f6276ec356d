//! TLS, on the port that serves plain TCP too: a connection's first bytes tell which.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer},
    server::TlsStream,
};

/// First bytes of a TLS connection: a handshake record and its version (RFC 8446, section
/// 5.1). No command begins with them: after a length of 22, 3 is no protobuf tag.
const HANDSHAKE: [u8; 2] = [22, 3];

/// Names in the certificate. The SDK's unverified override checks none.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Time limit of a connection's first bytes and its handshake.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause before another look at a connection that has sent one byte.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// With the process's certificate, which the first TLS connection creates.
static ACCEPTOR: LazyLock<Result<TlsAcceptor, String>> = LazyLock::new(acceptor);

fn acceptor() -> Result<TlsAcceptor, String> {
    let names = NAMES.map(str::to_owned);
    let certified = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    // Named, because the process may have compiled several providers in.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A connection that is ready for commands.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Waits for the connection's first bytes, and for the handshake if they start one.
    ///
    /// # Errors
    ///
    /// The handshake failed, or the client sent nothing in time.
    pub(super) async fn open(stream: TcpStream) -> io::Result<Self> {
        let opened = timeout(PATIENCE, async {
            if !starts_handshake(&stream).await? {
                return Ok(Self::Plain(stream));
            }
            let acceptor = ACCEPTOR.as_ref();
            let acceptor = acceptor.map_err(|error| io::Error::other(error.as_str()))?;
            let stream = acceptor.accept(stream).await?;
            Ok(Self::Tls(Box::new(stream)))
        });
        opened.await.unwrap_or_else(|late| Err(late.into()))
    }
}

async fn starts_handshake(stream: &TcpStream) -> io::Result<bool> {
    loop {
        let mut first = [0; 2];
        match stream.peek(&mut first).await? {
            1 if first[0] == HANDSHAKE[0] => {
                // No second byte will come.
                if stream.ready(Interest::READABLE).await?.is_read_closed() {
                    return Ok(false);
                }
                // A peek returns at once while there is a byte.
                sleep(LOOK_AGAIN).await;
            }
            _ => return Ok(first == HANDSHAKE),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
