//! The attributes of a request that rules test.

/// The attributes in which a request differs from a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences(u16);

/// An attribute that a rule tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The caller.
    Caller,
    /// The request principal in the JWT.
    Token,
    /// The address of the client or the connection.
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
    /// All attributes, in the order of a rule.
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

    /// The stable name, as used in replies.
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

    /// The distance between request and rule for this difference. A rule for the same caller is
    /// nearer than a rule for the same operation, unless the operation differs in more than one
    /// attribute.
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
    /// Whether there are no differences.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `attribute` differs.
    pub fn contains(self, attribute: Attribute) -> bool {
        self.0 & attribute.bit() != 0
    }

    /// The differing attributes, in the order of a rule.
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
