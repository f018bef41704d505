//! HTTP fields in the shape that `proto` reads them in.

use http::header::{HeaderMap, HeaderValue, Iter};

/// The fields of a header map as pairs of name and value.
///
/// The map's own iterator cannot be cloned, and `proto` walks the fields more than once.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    headers: &'a HeaderMap,
    rest: Iter<'a, HeaderValue>,
    taken: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        Self {
            headers,
            rest: headers.iter(),
            taken: 0,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.rest.next()?;
        self.taken = self.taken.saturating_add(1);
        Some((name.as_str(), value.as_bytes()))
    }
}

impl Clone for Fields<'_> {
    fn clone(&self) -> Self {
        let mut copy = Self::of(self.headers);
        copy.by_ref().take(self.taken).for_each(drop);
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_goes_on_where_the_original_stands() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let mut fields = Fields::of(&headers);
        assert_eq!(fields.clone().count(), 3);
        fields.next();
        let rest: Vec<_> = fields.clone().collect();
        assert_eq!(rest, fields.collect::<Vec<_>>());
        assert_eq!(rest.len(), 2);
    }
}
