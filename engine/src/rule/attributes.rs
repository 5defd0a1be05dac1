//! Which attributes of a request a rule depends on.

use super::{Condition, Operation, Rule, Source, Test};

impl Rule {
    /// Whether it depends on the address that the connection itself comes from.
    pub fn asks_for_peer_ip(&self) -> bool {
        self.sources.iter().any(Source::asks_for_peer_ip)
            || self.conditions.iter().any(Condition::asks_for_peer_ip)
    }

    /// Whether what the rule asks of caller and conditions can be true of HTTP requests alone.
    pub fn needs_http_beside_operations(&self) -> bool {
        let needs = |condition: &Condition| match &condition.test {
            Test::Caller(source) => !source.request_principals.any_of.is_empty(),
            Test::Header { values, .. } => !values.any_of.is_empty(),
            Test::Metadata { values, .. } => !values.any_of.is_empty(),
            Test::Port(_) | Test::DestinationIp(_) | Test::ServerName(_) => false,
        };
        let all_sources_need = !self.sources.is_empty()
            && self
                .sources
                .iter()
                .all(|source| !source.request_principals.any_of.is_empty());
        all_sources_need || self.conditions.iter().any(needs)
    }

    /// Whether caller or conditions ask for something that only HTTP requests have.
    pub fn asks_for_http_beside_operations(&self) -> bool {
        self.sources.iter().any(Source::asks_for_request_principal)
            || self.conditions.iter().any(Condition::asks_for_http)
    }

    /// Whether a condition names ports.
    pub fn is_limited_to_ports(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| matches!(condition.test, Test::Port(_)))
    }
}

impl Operation {
    /// Whether only HTTP requests can match.
    pub fn needs_http(&self) -> bool {
        !(self.methods.any_of.is_empty()
            && self.paths.any_of.is_empty()
            && self.hosts.any_of.is_empty())
    }

    /// Whether a field is about HTTP.
    pub fn asks_for_http(&self) -> bool {
        self.needs_http()
            || !(self.methods.none_of.is_empty()
                && self.paths.none_of.is_empty()
                && self.hosts.none_of.is_empty())
    }

    /// Whether it is for a port.
    pub fn takes_port(&self, port: u16) -> bool {
        self.ports.are_met(|own| *own == port)
    }
}

impl Condition {
    /// Whether it is about something that only HTTP requests have.
    pub fn asks_for_http(&self) -> bool {
        match &self.test {
            Test::Caller(source) => source.asks_for_request_principal(),
            Test::Header { .. } => true,
            // Other filters' metadata belongs to connections too.
            Test::Metadata { key, .. } => key.is_claim(),
            Test::Port(_) | Test::DestinationIp(_) | Test::ServerName(_) => false,
        }
    }

    /// Whether it can be true on a port.
    pub fn takes_port(&self, port: u16) -> bool {
        match &self.test {
            Test::Port(ports) => ports.are_met(|own| *own == port),
            _ => true,
        }
    }

    /// Whether it is about the address that the connection itself comes from.
    pub fn asks_for_peer_ip(&self) -> bool {
        matches!(&self.test, Test::Caller(source) if source.asks_for_peer_ip())
    }
}
