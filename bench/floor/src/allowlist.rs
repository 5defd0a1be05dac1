//! The rules: one permitted operation per caller.

use rustc_hash::FxHashMap;

/// The callers and their operations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    /// By SPIFFE ID.
    callers: FxHashMap<Box<[u8]>, Permission>,
}

/// What a caller may do.
#[derive(Debug, PartialEq, Eq)]
pub enum Permission {
    /// Everything: the filter needs no header.
    Any,
    /// One method of one path.
    Operation {
        /// The method.
        method: Box<[u8]>,
        /// The path without query.
        path: Box<[u8]>,
    },
}

impl Allowlist {
    /// Reads one caller per line: `SPIFFE_ID`, or `SPIFFE_ID METHOD PATH`.
    ///
    /// Returns `None` if a line has any other number of words.
    pub fn parse(text: &str) -> Option<Self> {
        let callers = text.lines().map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match words.as_slice() {
                [caller] => Some((caller.as_bytes().into(), Permission::Any)),
                [caller, method, path] => {
                    let operation = Permission::Operation {
                        method: method.as_bytes().into(),
                        path: path.as_bytes().into(),
                    };
                    Some((caller.as_bytes().into(), operation))
                }
                _ => None,
            }
        });
        Some(Self {
            callers: callers.collect::<Option<_>>()?,
        })
    }

    /// The permission of a caller, or `None` for an unknown one.
    pub fn permission(&self, caller: &[u8]) -> Option<&Permission> {
        self.callers.get(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_permission_of_each_caller() {
        let list = Allowlist::parse("spiffe://a\nspiffe://b GET /orders\n").expect("an allowlist");
        assert_eq!(list.permission(b"spiffe://a"), Some(&Permission::Any));
        let operation = Permission::Operation {
            method: (*b"GET").into(),
            path: (*b"/orders").into(),
        };
        assert_eq!(list.permission(b"spiffe://b"), Some(&operation));
        assert_eq!(list.permission(b"spiffe://c"), None);
    }

    #[test]
    fn rejects_lines_without_a_path() {
        assert_eq!(Allowlist::parse("spiffe://a GET"), None);
    }
}
