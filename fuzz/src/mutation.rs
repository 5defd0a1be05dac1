//! Generates inputs by mutation.

use std::ops::Range;

/// The maximum length of an input: enough to expose quadratic time.
const MAX_LEN: usize = 128 * 1024;

/// Bytes with a meaning in many formats.
const SPECIAL: &[u8] = b"\0\t\n\r \"#%&'()*+,-./:;<=>?@[\\]^_`{|}~\x1b\x7f\x80\xc2\xe2\xff09azAZ";

/// A pseudorandom number generator (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators").
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, things: &'a [&'a T]) -> Option<&'a T> {
        things.get(self.below(things.len())).copied()
    }

    /// A range within this length, usually a short one.
    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.below(length + 1);
        let most = match self.below(4) {
            0 => length,
            1 => 256,
            _ => 16,
        };
        let end = start + self.below(most.min(length - start) + 1);
        start..end
    }
}

/// Mutates inputs.
pub(crate) struct Mutator<'d> {
    random: Random,
    dictionary: &'d [&'d str],
}

impl<'d> Mutator<'d> {
    pub(crate) fn new(random: Random, dictionary: &'d [&'d str]) -> Self {
        Self { random, dictionary }
    }

    /// A random input with a few changes.
    pub(crate) fn mutate(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut any = || inputs.get(self.random.below(inputs.len())).cloned();
        let mut input = any().unwrap_or_default();
        let other = any().unwrap_or_default();
        for _ in 0..=self.random.below(4) {
            self.change(&mut input, &other);
        }
        input.truncate(MAX_LEN);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.random.below(input.len() + 1);
        match self.random.below(9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.below(8);
                }
            }
            1 => {
                let byte = SPECIAL[self.random.below(SPECIAL.len())];
                match input.get_mut(at) {
                    Some(old) => *old = byte,
                    None => input.push(byte),
                }
            }
            2 => drop(input.drain(self.random.range(input.len()))),
            3 => {
                let part = input[self.random.range(input.len())].to_vec();
                input.splice(at..at, part);
            }
            4 | 5 => {
                let word = self.random.pick(self.dictionary).unwrap_or_default();
                input.splice(at..at, word.bytes());
            }
            6 => {
                let part = other[self.random.range(other.len())].to_vec();
                input.splice(at..at, part);
            }
            // Repetition exposes quadratic time.
            7 => {
                let part = match self.random.below(3) {
                    0 => self
                        .random
                        .pick(self.dictionary)
                        .unwrap_or_default()
                        .as_bytes()
                        .to_vec(),
                    _ => input[self.random.range(input.len())].to_vec(),
                };
                let most = MAX_LEN.saturating_sub(input.len()) / part.len().max(1);
                let times = (1 << self.random.below(18)).min(most);
                input.splice(at..at, part.repeat(times));
            }
            _ => {
                let byte = SPECIAL[self.random.below(SPECIAL.len())];
                let replaced = input.get(at).copied();
                for old in input.iter_mut().filter(|old| Some(**old) == replaced) {
                    *old = byte;
                }
            }
        }
    }
}
