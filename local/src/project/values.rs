//! Placeholders in `local.toml`, such as `${cache.url}`.

use std::fmt;

/// All placeholders.
pub const NAMES: [&str; 4] = [
    "cache.url",
    "cache.protosocket_url",
    "cache.backend",
    "cache.api_key",
];

/// The placeholders' values in one run. `Debug` output hides the API key.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// `${cache.url}`: the local cache's URL; `None` without a local cache.
    pub cache_url: Option<String>,
    /// `${cache.protosocket_url}`: the local cache's `host:port` for protosocket, without
    /// a scheme, as the SDK takes it; `None` without a local cache.
    pub cache_protosocket_url: Option<String>,
    /// `${cache.backend}`: `stub` for a local cache, `momento` for the service.
    pub cache_backend: Option<String>,
    /// `${cache.api_key}`: a Momento API key.
    pub cache_api_key: Option<String>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values")
            .field("cache_url", &self.cache_url)
            .field("cache_protosocket_url", &self.cache_protosocket_url)
            .field("cache_backend", &self.cache_backend)
            .finish_non_exhaustive()
    }
}

impl Values {
    /// `text` with its placeholders filled in; `None` if one of them has no value in
    /// this run.
    #[must_use]
    pub fn fill(&self, text: &str) -> Option<String> {
        let mut filled = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Placeholder(name) => filled.push_str(self.of(name)?),
            }
        }
        Some(filled)
    }

    fn of(&self, name: &str) -> Option<&str> {
        match name {
            "cache.url" => self.cache_url.as_deref(),
            "cache.protosocket_url" => self.cache_protosocket_url.as_deref(),
            "cache.backend" => self.cache_backend.as_deref(),
            "cache.api_key" => self.cache_api_key.as_deref(),
            _ => None,
        }
    }
}

/// The placeholders in `text`, without their `${` and `}`.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once("${") {
        let Some((name, after)) = rest.split_once('}') else {
            break;
        };
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Placeholder(name));
        text = after;
    }
    pieces.push(Piece::Text(text));
    pieces
}

#[cfg(test)]
mod tests {
    use super::Values;

    fn values() -> Values {
        Values {
            cache_url: Some("http://127.0.0.1:8080".to_owned()),
            cache_protosocket_url: Some("127.0.0.1:9004".to_owned()),
            cache_backend: Some("stub".to_owned()),
            cache_api_key: None,
        }
    }

    #[test]
    fn placeholders_are_filled_in_anywhere_in_a_text() {
        let filled = values().fill("a ${cache.url}/${cache.backend} ${cache.protosocket_url} ${ z");
        let expected = "a http://127.0.0.1:8080/stub 127.0.0.1:9004 ${ z";
        assert_eq!(filled.unwrap(), expected);
    }

    #[test]
    fn a_text_has_no_value_when_its_placeholder_has_none() {
        assert_eq!(values().fill("key: ${cache.api_key}"), None);
    }

    #[test]
    fn debug_output_hides_the_api_key() {
        let values = Values {
            cache_api_key: Some("very secret".to_owned()),
            ..values()
        };
        assert!(!format!("{values:?}").contains("secret"));
    }
}
