//! The state of the simulated proxy that host calls read and change.

use std::collections::BTreeSet;

use crate::counts::Counts;
use crate::exchange::{Properties, Request};

/// The time of the first request, in nanoseconds since the Unix epoch: 2026-06-01.
const START: u64 = 1_780_272_000_000_000_000;

/// The part of the proxy that one VM can see.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) counts: Counts,
    /// The contexts that exist.
    pub(crate) contexts: BTreeSet<u32>,
    /// The configuration of the root that is being configured.
    pub(crate) configuration: Vec<u8>,
    /// The attributes of the proxy itself.
    pub(crate) node: Properties,
    /// The current request, if any.
    pub(crate) request: Option<Request>,
    /// The status of the local response to the current request, if any.
    pub(crate) local_response: Option<u32>,
    /// The names of all metrics, by ID.
    pub(crate) metrics: Vec<String>,
    /// The metrics that the current request incremented.
    pub(crate) incremented: Vec<u32>,
    /// The warnings and errors in the log.
    pub(crate) warnings: Vec<String>,
    /// In nanoseconds since the Unix epoch.
    pub(crate) now: u64,
}

impl Host {
    /// A proxy with these attributes, without contexts.
    pub(crate) fn new(node: Properties) -> Self {
        Self {
            counts: Counts::default(),
            contexts: BTreeSet::new(),
            configuration: Vec::new(),
            node,
            request: None,
            local_response: None,
            metrics: Vec::new(),
            incremented: Vec::new(),
            warnings: Vec::new(),
            now: START,
        }
    }

    /// An attribute of the current request, its connection or the proxy.
    pub(crate) fn property(&self, path: &[u8]) -> Option<&[u8]> {
        let of_request = self.request.as_ref();
        let of_request = of_request.and_then(|request| request.properties.get(path));
        of_request
            .or_else(|| self.node.get(path))
            .map(Vec::as_slice)
    }

    /// Headers or trailers of the current request, by the ABI's number of the map.
    pub(crate) fn header_map(&mut self, map: u32) -> Option<&mut Vec<(String, String)>> {
        let request = self.request.as_mut()?;
        match map {
            0 => Some(&mut request.headers),
            1 => Some(&mut request.trailers),
            _ => None,
        }
    }

    /// The reasons of the decisions that the current request incremented.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let names = self
            .incremented
            .iter()
            .map(|id| &self.metrics[*id as usize]);
        let decisions = names.filter(|name| name.starts_with("peergate_decisions_total"));
        let reasons = decisions.filter_map(|name| {
            let (_, rest) = name.split_once("peergate_reason=.=")?;
            Some(rest.split_once(";.;")?.0.to_owned())
        });
        reasons.collect()
    }
}
