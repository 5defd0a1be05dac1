//! The attributes of a request that a rule depends on.

use super::{Condition, Operation, Rule, Source, Test};

impl Rule {
    /// Whether the rule depends on the source address of the connection.
    pub fn uses_peer_ip(&self) -> bool {
        self.sources.iter().any(Source::uses_peer_ip)
            || self.conditions.iter().any(Condition::uses_peer_ip)
    }

    /// Whether the sources or conditions can only match HTTP requests.
    pub fn requires_http_outside_operations(&self) -> bool {
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

    /// Whether sources or conditions depend on an attribute that only HTTP requests have.
    pub fn uses_http_outside_operations(&self) -> bool {
        self.sources.iter().any(Source::uses_request_principal)
            || self.conditions.iter().any(Condition::uses_http)
    }

    /// Whether a condition limits the ports.
    pub fn is_limited_to_ports(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| matches!(condition.test, Test::Port(_)))
    }
}

impl Operation {
    /// Whether only HTTP requests can match.
    pub fn requires_http(&self) -> bool {
        !(self.methods.any_of.is_empty()
            && self.paths.any_of.is_empty()
            && self.hosts.any_of.is_empty())
    }

    /// Whether a field depends on HTTP.
    pub fn uses_http(&self) -> bool {
        self.requires_http()
            || !(self.methods.none_of.is_empty()
                && self.paths.none_of.is_empty()
                && self.hosts.none_of.is_empty())
    }

    /// Whether the operation can match on a port.
    pub fn matches_port(&self, port: u16) -> bool {
        self.ports.are_met(|own| *own == port)
    }
}

impl Condition {
    /// Whether the condition depends on an attribute that only HTTP requests have.
    pub fn uses_http(&self) -> bool {
        match &self.test {
            Test::Caller(source) => source.uses_request_principal(),
            Test::Header { .. } => true,
            // Metadata of other filters also exists for connections.
            Test::Metadata { key, .. } => key.is_claim(),
            Test::Port(_) | Test::DestinationIp(_) | Test::ServerName(_) => false,
        }
    }

    /// Whether the condition can hold on a port.
    pub fn matches_port(&self, port: u16) -> bool {
        match &self.test {
            Test::Port(ports) => ports.are_met(|own| *own == port),
            _ => true,
        }
    }

    /// Whether the condition depends on the source address of the connection.
    pub fn uses_peer_ip(&self) -> bool {
        matches!(&self.test, Test::Caller(source) if source.uses_peer_ip())
    }
}
