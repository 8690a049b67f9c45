//! The body of an answer as it comes: unpacked where it is packed, and no more of it than is allowed.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use crate::error::BackendError;

/// What is packed takes at most so much more room than what is in it: more is work for nothing.
const PACKED_BYTES_OVER: usize = 64 * 1024;

/// What has come of a body.
pub(super) enum Content {
    Plain(Bounded),
    Packed(Packed),
}

/// By gzip (RFC 1952).
pub(super) struct Packed {
    /// `None` until something has come: an answer without a body may be called packed.
    decoder: Option<Box<MultiGzDecoder<Bounded>>>,
    limit: usize,
    /// Bytes that came.
    came: usize,
}

/// Bytes up to a limit.
pub(super) struct Bounded {
    bytes: BytesMut,
    limit: usize,
    /// There was more.
    is_cut: bool,
}

impl Content {
    /// Of an answer with these headers, whose body has so many bytes, if that is known.
    pub(super) fn new(headers: &HeaderMap, announced: Option<usize>, limit: usize) -> Self {
        if is_packed(headers) {
            return Self::Packed(Packed { decoder: None, limit, came: 0 });
        }
        let room = announced.unwrap_or(0).min(limit);
        Self::Plain(Bounded { bytes: BytesMut::with_capacity(room), limit, is_cut: false })
    }

    /// Takes one more chunk. False: it is cut, and no more need come.
    pub(super) fn add(&mut self, chunk: &[u8]) -> Result<bool, BackendError> {
        let (added, is_cut) = match self {
            Self::Plain(bounded) => (bounded.write_all(chunk), bounded.is_cut),
            Self::Packed(packed) => packed.add(chunk),
        };
        if is_cut {
            return Ok(false);
        }
        added.map(|()| true).map_err(broken)
    }

    /// What came, and whether it was cut.
    pub(super) fn finish(self) -> Result<(Bytes, bool), BackendError> {
        let bounded = match self {
            Self::Plain(bounded) => bounded,
            Self::Packed(Packed { decoder: None, .. }) => return Ok((Bytes::new(), false)),
            Self::Packed(Packed { decoder: Some(mut decoder), .. }) => {
                let ended = decoder.try_finish();
                let bounded = decoder.get_mut();
                if !bounded.is_cut {
                    ended.map_err(broken)?;
                }
                let Bounded { limit, is_cut, .. } = *bounded;
                Bounded { bytes: std::mem::take(&mut bounded.bytes), limit, is_cut }
            }
        };
        Ok((bounded.bytes.freeze(), bounded.is_cut))
    }
}

impl Packed {
    /// Unpacks one more chunk, and says whether there was too much.
    fn add(&mut self, chunk: &[u8]) -> (io::Result<()>, bool) {
        let limit = self.limit;
        let decoder = self.decoder.get_or_insert_with(|| {
            let bounded = Bounded { bytes: BytesMut::new(), limit, is_cut: false };
            Box::new(MultiGzDecoder::new(bounded))
        });
        self.came = self.came.saturating_add(chunk.len());
        if self.came > limit.saturating_add(PACKED_BYTES_OVER) {
            decoder.get_mut().is_cut = true;
            return (Ok(()), true);
        }
        // what is unpacked is handed on with the next chunk only, unless it is asked for
        let added = decoder.write_all(chunk).and_then(|()| decoder.flush());
        (added, decoder.get_ref().is_cut)
    }
}

impl Write for Bounded {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if chunk.len() > self.limit - self.bytes.len() {
            self.is_cut = true;
            return Err(io::Error::other("the answer is too large"));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `x-gzip` is the same (RFC 9110, section 8.4.1.3).
fn is_packed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let Some(coding) = codings.next().map(|coding| coding.as_bytes().trim_ascii()) else {
        return false;
    };
    codings.next().is_none()
        && (coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip"))
}

fn broken(error: io::Error) -> BackendError {
    BackendError::Exchange { source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use hyper::header::HeaderValue;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(coding: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(coding.map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))));
        headers
    }

    fn read(
        coding: Option<&'static str>,
        chunks: &[&[u8]],
        limit: usize,
    ) -> Result<(Vec<u8>, bool), BackendError> {
        let mut content = Content::new(&headers(coding), None, limit);
        for chunk in chunks {
            if !content.add(chunk)? {
                break;
            }
        }
        content.finish().map(|(bytes, is_cut)| (bytes.to_vec(), is_cut))
    }

    #[test]
    fn what_is_packed_is_unpacked_however_it_is_cut_into_chunks() {
        let text = b"records ".repeat(100);
        let packed = [packed(&text), packed(b"and more")].concat();
        let whole = [&text[..], b"and more"].concat();
        for size in [1, 7, packed.len()] {
            let chunks: Vec<&[u8]> = packed.chunks(size).collect();
            for coding in ["gzip", "GZIP", "x-gzip"] {
                let (bytes, is_cut) = read(Some(coding), &chunks, whole.len()).unwrap();
                assert_eq!((bytes, is_cut), (whole.clone(), false), "{size} {coding}");
            }
        }
        assert_eq!(read(None, &[&packed], 4096).unwrap(), (packed.clone(), false));
        assert_eq!(read(Some("br"), &[&packed], 4096).unwrap(), (packed, false));
    }

    #[test]
    fn what_is_larger_than_allowed_is_cut_and_said_to_be() {
        let text = b"records ".repeat(100);
        let packed = packed(&text);
        assert!(read(Some("gzip"), &[&packed], text.len() - 1).unwrap().1);
        assert!(!read(Some("gzip"), &[&packed], text.len()).unwrap().1);
        assert!(read(None, &[&text[..400], &text[400..]], text.len() - 1).unwrap().1);
        assert!(!read(None, &[&text[..400], &text[400..]], text.len()).unwrap().1);
        let nothing = super::tests::packed(b"").repeat(PACKED_BYTES_OVER);
        assert!(read(Some("gzip"), &nothing.chunks(8192).collect::<Vec<_>>(), 10).unwrap().1);
    }

    #[test]
    fn what_ends_early_or_is_not_packed_is_an_error_and_no_body_is_none() {
        let packed = packed(&b"records ".repeat(100));
        for broken in [&packed[..packed.len() - 1], &packed[..5], b"not packed at all"] {
            assert!(read(Some("gzip"), &[broken], 4096).is_err(), "{} bytes", broken.len());
        }
        assert_eq!(read(Some("gzip"), &[], 4096).unwrap(), (Vec::new(), false));
    }
}
