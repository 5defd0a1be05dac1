//! The tokens of JSON (RFC 8259).

use std::borrow::Cow;

/// A text and how far it has been read.
#[derive(Debug)]
pub(super) struct Text<'t> {
    bytes: &'t [u8],
    read: usize,
}

/// The beginning of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
    /// No value starts like this.
    Invalid,
    End,
}

impl<'t> Text<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, read: 0 }
    }

    /// What has not been read.
    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    /// The line and the column of what is read next, in bytes, both from 1.
    pub(super) fn position(&self) -> (usize, usize) {
        let before = self.bytes.get(..self.read).unwrap_or(self.bytes);
        let line = before.split(|&byte| byte == b'\n');
        let column = line.clone().next_back().map_or(0, <[u8]>::len);
        (line.count(), column + 1)
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.read += self.rest().iter().take_while(is_space).count();
        self.rest().first().copied()
    }

    /// Reads `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.read += usize::from(is_next);
        is_next
    }

    /// Reads `word` if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.rest().starts_with(word.as_bytes());
        if is_next {
            self.read += word.len();
        }
        is_next
    }

    /// Which value starts here.
    pub(super) fn start(&mut self) -> Start {
        match self.peek() {
            None => Start::End,
            Some(b'n') => Start::Null,
            Some(b't' | b'f') => Start::Bool,
            Some(b'-' | b'0'..=b'9') => Start::Number,
            Some(b'"') => Start::String,
            Some(b'[') => Start::Array,
            Some(b'{') => Start::Object,
            Some(_) => Start::Invalid,
        }
    }

    /// Reads an integer without sign; `None` for any other number, and for one that is too large.
    pub(super) fn integer(&mut self) -> Option<u16> {
        self.peek();
        let mut value: Option<u16> = None;
        let mut rest = self.rest().iter();
        for &byte in rest.by_ref() {
            match byte {
                b'0'..=b'9' if value != Some(0) => {
                    let digit = u16::from(byte - b'0');
                    value = Some(value.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
                    self.read += 1;
                }
                b'0'..=b'9' | b'.' | b'e' | b'E' => return None,
                _ => break,
            }
        }
        value
    }

    /// Reads a string after its opening quote, to the closing one. `None` if it is not valid.
    pub(super) fn string(&mut self) -> Option<Cow<'t, str>> {
        let mut text = Cow::Borrowed(self.plain()?);
        loop {
            match self.next()? {
                b'"' => return Some(text),
                b'\\' => text.to_mut().push(self.escaped()?),
                // A control character.
                _ => return None,
            }
            text.to_mut().push_str(self.plain()?);
        }
    }

    /// The characters of a string up to its closing quote or to an escape.
    fn plain(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let ends = |&byte: &u8| byte < b' ' || matches!(byte, b'"' | b'\\');
        let plain = rest.get(..rest.iter().position(ends)?)?;
        self.read += plain.len();
        std::str::from_utf8(plain).ok()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.rest().first().copied()?;
        self.read += 1;
        Some(next)
    }

    /// The character of an escape, after its backslash.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            quoted @ (b'"' | b'\\' | b'/') => char::from(quoted),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.utf16(),
            _ => return None,
        })
    }

    /// The character of `\uXXXX`, or of two of them if it has two UTF-16 code units.
    fn utf16(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        let is_first_of_two = (0xD800..0xDC00).contains(&first);
        let second = if is_first_of_two && self.next()? == b'\\' && self.next()? == b'u' {
            Some(self.code_unit()?)
        } else {
            None
        };
        let units = std::iter::once(first).chain(second);
        char::decode_utf16(units).next()?.ok()
    }

    fn code_unit(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16)?;
            unit = unit << 4 | u16::try_from(digit).ok()?;
        }
        Some(unit)
    }
}
