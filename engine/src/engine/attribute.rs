//! The attributes of a request that a rule can ask for.

/// What stands between a request and a rule: a set of attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences(u16);

/// Something that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Who calls.
    Caller,
    /// Whom the request's JWT is about.
    Token,
    /// Where the request comes from.
    Address,
    /// The method.
    Method,
    /// The path.
    Path,
    /// The host.
    Host,
    /// The port.
    Port,
    /// A condition of `when`.
    When,
    /// The time.
    Time,
}

impl Attribute {
    /// All of them, in the order of a rule.
    pub const ALL: [Self; 9] = [
        Self::Caller,
        Self::Token,
        Self::Address,
        Self::Method,
        Self::Path,
        Self::Host,
        Self::Port,
        Self::When,
        Self::Time,
    ];

    /// The stable name, in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Token => "token",
            Self::Address => "address",
            Self::Method => "method",
            Self::Path => "path",
            Self::Host => "host",
            Self::Port => "port",
            Self::When => "when",
            Self::Time => "time",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }

    /// How far a request is from a rule for this alone. A rule for the same caller is nearer than one
    /// for the same request, unless more than one thing of the request differs.
    pub(super) const fn weight(self) -> u32 {
        match self {
            Self::Time => 1,
            Self::Token | Self::Address | Self::Method | Self::Host | Self::Port | Self::When => 2,
            Self::Path => 3,
            Self::Caller => 4,
        }
    }
}

impl Differences {
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is one of them.
    pub fn contains(self, attribute: Attribute) -> bool {
        self.0 & attribute.bit() != 0
    }

    /// All of them, in the order of a rule.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL
            .into_iter()
            .filter(move |attribute| self.contains(*attribute))
    }

    pub(super) fn add_if(&mut self, differs: bool, attribute: Attribute) {
        if differs {
            self.0 |= attribute.bit();
        }
    }

    pub(super) fn weight(self) -> u32 {
        self.iter().map(Attribute::weight).sum()
    }
}
