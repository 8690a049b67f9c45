//! TLS of a client: whom it trusts, what it shows of itself, and whether an error is about that.

use std::error::Error;
use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::error::BackendError;
use crate::graph::{Auth, Backend, Tls};

/// Whom a client trusts, and what it shows of itself if it is asked to. `whose` says in errors whose settings these are.
pub(super) fn config(
    tls: &Tls,
    whose: &str,
    is_encrypted: bool,
) -> Result<ClientConfig, BackendError> {
    let roots = match &tls.ca {
        Some(pem) => Some(authorities(pem, whose)?),
        // Plain HTTP needs no certificates, and must work where the system has none.
        None => (!is_encrypted).then(RootCertStore::empty),
    };
    let builder = verified(roots)?;
    let Some(client) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let unreadable = || {
        let reason =
            format!("`tls.client_key`{whose} holds no key and certificate that can be read");
        BackendError::Build { reason }
    };
    let certificates = CertificateDer::pem_slice_iter(client.certificate.as_bytes());
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).map_err(|_| unreadable())?;
    let certificates = certificates.map_err(|_| unreadable())?;
    builder.with_client_auth_cert(certificates, key).map_err(|_| unreadable())
}

/// Trust in these authorities, or in those of the system.
fn verified(
    roots: Option<RootCertStore>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, BackendError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unready)?;
    match roots {
        None => builder.try_with_platform_verifier().map_err(unready),
        Some(roots) => Ok(builder.with_root_certificates(roots)),
    }
}

/// Whether the backend, or where its access tokens are got, is spoken to over TLS.
pub(super) fn is_encrypted(backend: &Backend) -> bool {
    let tokens = match &backend.auth {
        Auth::ClientCredentials(client) => Some(&client.token_url),
        _ => None,
    };
    std::iter::once(&backend.url).chain(tokens).any(|url| url.starts_with("https:"))
}

fn unready(error: impl Error + Send + Sync + 'static) -> BackendError {
    BackendError::Connect { source: Box::new(error) }
}

fn authorities(pem: &str, whose: &str) -> Result<RootCertStore, BackendError> {
    let mut roots = RootCertStore::empty();
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let are_read = certificates
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !are_read || roots.is_empty() {
        let reason = format!("`tls.ca`{whose} holds no certificate that can be read");
        return Err(BackendError::Build { reason });
    }
    Ok(roots)
}

/// Whether what failed is the certificate of the other side: its name, its time, or who signed it.
pub(super) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // what an I/O error carries is not its source, but what it carries has one
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match carried {
        Some(carried) => is_untrusted(carried),
        None => error.source().is_some_and(is_untrusted),
    }
}
