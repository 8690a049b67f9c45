//! Encrypted backends on loopback: whose certificate is not right is told nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cyclorama::backend::Backends;
use cyclorama::error::{BackendError, ErrorCode, chain};
use cyclorama::graph::{Auth, Backend, ClientCertificate};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::transport::{Given, backend, get, graph, later};

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// What a server of this name shows, good until the end of a year.
    pub(crate) fn server(&self, name: &str, year: i32) -> TlsAcceptor {
        self.server_of(name, year, None)
    }

    /// One that asks clients for a certificate that this authority has signed.
    fn server_of(&self, name: &str, year: i32, clients: Option<&Self>) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let asks = match clients {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap())
                    .unwrap();
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let mut config = asks.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// What a client shows.
    fn client(&self) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "gateway");
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        ClientCertificate { certificate: certificate.into(), key: key.serialize_pem().into() }
    }
}

/// A listener that speaks TLS; who does not trust it never gets through.
pub(crate) struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Encrypted {
    pub(crate) fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { listener, acceptor }
    }
}

impl axum::serve::Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A server that answers with the version that is spoken, and counts the requests that it sees.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&requests);
        let connections = Arc::<AtomicUsize>::default();
        let accepted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::Relaxed);
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request: Request<Incoming>| {
                        seen.fetch_add(1, Ordering::Relaxed);
                        let body = format!("{{\"data\":[\"{:?}\"]}}", request.version());
                        async { Ok::<_, hyper::Error>(hyper::Response::new(body)) }
                    });
                    let server = Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address, requests, connections }
    }

    /// One call to it, by this name, with a secret, trusting this authority.
    async fn call(&self, name: &str, trusted: &Authority) -> Result<String, BackendError> {
        self.call_as(None, name, trusted).await
    }

    async fn call_as(
        &self,
        client: Option<ClientCertificate>,
        name: &str,
        trusted: &Authority,
    ) -> Result<String, BackendError> {
        let backends = self.backends(client, name, trusted);
        let given = Given::default();
        let page = backends.call(&get("/v1/invoices"), given.inputs(), later()).await?;
        Ok(format!("{:?}", page.payload))
    }

    fn backends(
        &self,
        client: Option<ClientCertificate>,
        name: &str,
        trusted: &Authority,
    ) -> Backends {
        let backend = Backend {
            tls_client: client,
            tls_ca: Some(Arc::from(&*trusted.pem)),
            health: None,
            auth: Auth::Bearer { token: Arc::from("s3cret") },
            ..backend(&format!("https://{name}:{}", self.address.port()))
        };
        Backends::new(graph(backend)).unwrap()
    }
}

#[tokio::test]
async fn a_backend_whose_authority_is_named_is_called_over_http_2() {
    let authority = Authority::new("one");
    let server = Server::start(authority.server("localhost", 2090)).await;
    let answer = server.call("localhost", &authority).await.unwrap();
    assert!(answer.contains("HTTP/2.0"), "{answer}");
    assert_eq!(server.requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn over_http_2_all_requests_go_over_one_connection() {
    let authority = Authority::new("one");
    let server = Server::start(authority.server("localhost", 2090)).await;
    let backends = server.backends(None, "localhost", &authority);
    let (call, given) = (get("/v1/invoices"), Given::default());
    let ask = || backends.call(&call, given.inputs(), later());
    ask().await.unwrap();
    for page in futures_util::future::join_all((0..50).map(|_| ask())).await {
        page.unwrap();
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 51);
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    // who comes while nobody knows yet what is spoken may have opened others: they are not kept
    let backends = server.backends(None, "localhost", &authority);
    let ask = || backends.call(&call, given.inputs(), later());
    for page in futures_util::future::join_all((0..10).map(|_| ask())).await {
        page.unwrap();
    }
    let opened = server.connections.load(Ordering::Relaxed);
    for page in futures_util::future::join_all((0..10).map(|_| ask())).await {
        page.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), opened);
}

#[tokio::test]
async fn a_backend_with_a_wrong_certificate_is_untrusted_and_gets_no_request() {
    let (authority, other) = (Authority::new("one"), Authority::new("another"));
    for (acceptor, name, trusted, reason) in [
        (authority.server("billing.example", 2090), "localhost", &authority, "not valid for"),
        (authority.server("localhost", 2021), "localhost", &authority, "expired"),
        (authority.server("localhost", 2090), "localhost", &other, "UnknownIssuer"),
        (authority.server("localhost", 2090), "127.0.0.1", &authority, "not valid for"),
    ] {
        let server = Server::start(acceptor).await;
        let error = server.call(name, trusted).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendUntrusted, "{reason}: {}", chain(&error));
        let told = chain(&error);
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("s3cret") && !told.contains("/v1/invoices"), "{told}");
        assert_eq!(server.requests.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn a_backend_that_asks_for_a_certificate_is_shown_it_and_answers_nobody_without() {
    let (authority, clients, other) =
        (Authority::new("one"), Authority::new("clients"), Authority::new("another"));
    let server = Server::start(authority.server_of("localhost", 2090, Some(&clients))).await;
    server.call_as(Some(clients.client()), "localhost", &authority).await.unwrap();
    assert_eq!(server.requests.load(Ordering::Relaxed), 1);
    for shown in [None, Some(other.client())] {
        let error = server.call_as(shown, "localhost", &authority).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackendUnavailable, "{}", chain(&error));
        assert!(!chain(&error).contains("PRIVATE"), "{}", chain(&error));
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_unavailable_and_sees_no_secret() {
    let authority = Authority::new("one");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
        String::from_utf8_lossy(&hello[..read]).into_owned()
    });
    let (requests, connections) = Default::default();
    let server = Server { address, requests, connections };
    let error = server.call("localhost", &authority).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendUnavailable, "{}", chain(&error));
    assert!(!plain.await.unwrap().contains("s3cret"));
}

#[test]
fn certificates_that_cannot_be_read_are_told_at_the_start() {
    let backend_of = backend;
    let backend = Backend {
        tls_ca: Some(Arc::from("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----")),
        health: None,
        ..backend_of("https://localhost:1")
    };
    let error = Backends::new(graph(backend)).unwrap_err();
    assert!(chain(&error).contains("`tls.ca` of the role billing"), "{}", chain(&error));
    let nobody = ClientCertificate { certificate: "none".into(), key: "s3cret".into() };
    let backend = Backend { tls_client: Some(nobody), ..backend_of("https://localhost:1") };
    let error = Backends::new(graph(backend)).unwrap_err();
    assert!(chain(&error).contains("`tls.client_key` of the role billing"), "{}", chain(&error));
    assert!(!chain(&error).contains("s3cret"));
}
