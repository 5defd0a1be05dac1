//! A proxy for tests that answers like Envoy and records the calls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use log::Level;
use peergate_engine::engine::CompiledPolicy;
use peergate_engine::timestamp::Timestamp;
use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};
use serde_json::{Value, json};

use crate::enforcer::Enforcer;
use crate::host::{Bytes, Host, LocalResponse, MetricId};
use crate::learning;
use crate::metrics::reset_metrics;

pub(crate) const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
pub(crate) const ADMIN: &str = "spiffe://cluster.local/ns/shop/sa/admin";

/// The plugin config of `shop/orders` with these rules.
pub(crate) fn config(rules: &Value) -> Value {
    json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local"},
        "policy": {"namespace": "shop", "name": "orders"},
        "rules": rules,
    })
}

/// A policy without rules.
pub(crate) fn policy() -> CompiledPolicy {
    CompiledPolicy::from_json(config(&json!([])).to_string().as_bytes()).unwrap()
}

/// An enforcer in its own VM.
pub(crate) fn enforcer(config: &Value, host: &FakeHost) -> Enforcer {
    reset_metrics();
    learning::reset();
    Enforcer::new(config.to_string().as_bytes(), host).unwrap()
}

/// A self-signed certificate in PEM that expires at the start of this day.
pub(crate) fn certificate_until(year: i32, month: u8, day: u8) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_after = date_time_ymd(year, month, day);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

/// A self-signed certificate in PEM.
pub(crate) fn certificate(uri_sans: &[&str], dns_sans: &[&str]) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    for dns in dns_sans {
        let dns = SanType::DnsName((*dns).try_into().unwrap());
        params.subject_alt_names.push(dns);
    }
    for uri in uri_sans {
        let uri = SanType::URI((*uri).try_into().unwrap());
        params.subject_alt_names.push(uri);
    }
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

/// A proxy with one request.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    properties: RefCell<BTreeMap<Bytes, Bytes>>,
    headers: RefCell<Vec<(String, Bytes)>>,
    trailers: RefCell<Vec<(String, Bytes)>>,
    now: Option<Timestamp>,
    refuses_metrics: bool,
    /// Every defined metric, by ID. Defining a name twice creates two IDs.
    pub(crate) defined: RefCell<Vec<String>>,
    values: RefCell<BTreeMap<String, u64>>,
    pub(crate) responses: RefCell<Vec<LocalResponse>>,
    pub(crate) log: RefCell<Vec<(Level, String)>>,
    pub(crate) calls: Calls,
}

/// Counts the calls of each kind.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Calls that returned data, which are the expensive ones.
    pub(crate) answered: Cell<u32>,
    /// Calls for absent data.
    pub(crate) unanswered: Cell<u32>,
    pub(crate) header_writes: Cell<u32>,
    pub(crate) increments: Cell<u32>,
    pub(crate) time: Cell<u32>,
}

/// The labels in a series name, each with its value.
pub(crate) fn labels(series: &str) -> Vec<(&str, &str)> {
    let (_, labels) = series.split_once('.').unwrap_or_default();
    let labels = labels.split_terminator(";.;");
    labels
        .map(|label| label.split_once("=.=").unwrap())
        .collect()
}

fn tick(count: &Cell<u32>) {
    count.set(count.get() + 1);
}

impl FakeHost {
    /// A connection without any identity.
    pub(crate) fn anonymous() -> Self {
        Self::default()
            .with_header(":method", "GET")
            .with_header(":path", "/orders?full=1")
            .with_header(":authority", "orders.shop:8080")
            .with_property(b"destination\0port", &8080_i64.to_le_bytes())
    }

    /// A connection with a certificate that has these URI SANs and, with any, a DNS SAN.
    pub(crate) fn with_uri_sans(uri_sans: &[&str]) -> Self {
        let dns_sans: &[&str] = if uri_sans.is_empty() {
            &[]
        } else {
            &["web.shop"]
        };
        let pem = certificate(uri_sans, dns_sans);
        Self::with_uri_sans_before_envoy_1_38(uri_sans)
            .with_property(b"connection\0peer_certificate", pem.as_bytes())
    }

    /// The same on an Envoy that does not provide the certificate.
    pub(crate) fn with_uri_sans_before_envoy_1_38(uri_sans: &[&str]) -> Self {
        let digest = uri_sans.join(" ");
        let host = Self::anonymous().with_property(
            b"connection\0sha256_peer_certificate_digest",
            format!("digest of {digest}").as_bytes(),
        );
        match uri_sans.first() {
            Some(first) => {
                host.with_property(b"connection\0uri_san_peer_certificate", first.as_bytes())
            }
            None => host,
        }
    }

    pub(crate) fn with_property(self, path: &[u8], value: &[u8]) -> Self {
        let properties = &self.properties;
        properties
            .borrow_mut()
            .insert(path.to_vec(), value.to_vec());
        self
    }

    pub(crate) fn with_header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        self.headers
            .borrow_mut()
            .push((name.to_ascii_lowercase(), value));
        self
    }

    pub(crate) fn with_trailer(self, name: &str, value: &str) -> Self {
        let trailer = (name.to_ascii_lowercase(), value.as_bytes().to_vec());
        self.trailers.borrow_mut().push(trailer);
        self
    }

    pub(crate) fn trailers(&self) -> Vec<(String, Bytes)> {
        self.trailers.borrow().clone()
    }

    pub(crate) fn without_header(self, name: &str) -> Self {
        self.headers.borrow_mut().retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn at(mut self, time: &str) -> Self {
        self.now = Some(Timestamp::parse(time).unwrap());
        self
    }

    pub(crate) fn refusing_metrics(mut self) -> Self {
        self.refuses_metrics = true;
        self
    }

    /// All values of a request header.
    pub(crate) fn header_values(&self, name: &[u8]) -> Vec<String> {
        let headers = self.headers.borrow();
        let values = headers.iter().filter(|(known, _)| known.as_bytes() == name);
        values
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// The counted decisions, each as `rule effect reason`, with their counts.
    pub(crate) fn counted(&self) -> Vec<(String, u64)> {
        let counted = self.series_values("peergate_decisions_total").into_iter();
        counted
            .map(|(labels, count)| {
                let (_, others) = labels.split_once(' ').unwrap();
                (others.to_owned(), count)
            })
            .collect()
    }

    /// The series of a metric that have a value, each as the values of its labels, with their
    /// counts.
    pub(crate) fn series_values(&self, metric: &str) -> Vec<(String, u64)> {
        let values = self.values.borrow();
        let series = values.iter().filter(|(name, _)| name.starts_with(metric));
        series
            .map(|(name, value)| {
                let labels = labels(name).into_iter();
                let labels: Vec<_> = labels.map(|(_, value)| value).collect();
                (labels.join(" "), *value)
            })
            .collect()
    }

    /// The value of a series by its full name; 0 if it was never set.
    pub(crate) fn value(&self, series: &str) -> u64 {
        self.values
            .borrow()
            .get(series)
            .copied()
            .unwrap_or_default()
    }

    fn answer(&self, answer: Option<Bytes>) -> Option<Bytes> {
        let calls = &self.calls;
        // For an empty value the proxy allocates nothing, which is what makes calls expensive.
        let is_answered = answer.as_ref().is_some_and(|bytes| !bytes.is_empty());
        tick(if is_answered {
            &calls.answered
        } else {
            &calls.unanswered
        });
        answer
    }
}

impl Host for FakeHost {
    type Returned = Bytes;

    fn property(&self, path: &[u8]) -> Option<Bytes> {
        let property = self.properties.borrow().get(path).cloned();
        self.answer(property.filter(|value| !value.is_empty()))
    }

    fn set_property(&self, path: &[u8], value: &[u8]) {
        let mut properties = self.properties.borrow_mut();
        properties.insert(path.to_vec(), value.to_vec());
    }

    fn request_header(&self, name: &'static [u8]) -> Option<Bytes> {
        let headers = self.headers.borrow();
        let first = headers.iter().find(|(known, _)| known.as_bytes() == name);
        self.answer(first.map(|(_, value)| value.clone()))
    }

    fn request_headers(&self) -> Vec<(Bytes, Bytes)> {
        tick(&self.calls.answered);
        let headers = self.headers.borrow();
        let headers = headers.iter();
        headers
            .map(|(name, value)| (name.clone().into_bytes(), value.clone()))
            .collect()
    }

    fn remove_request_header(&self, name: &'static [u8]) {
        tick(&self.calls.header_writes);
        let mut headers = self.headers.borrow_mut();
        headers.retain(|(known, _)| known.as_bytes() != name);
    }

    fn remove_request_trailer(&self, name: &'static [u8]) {
        let mut trailers = self.trailers.borrow_mut();
        trailers.retain(|(known, _)| known.as_bytes() != name);
    }

    fn replace_request_header(&self, name: &'static [u8], value: &[u8]) {
        self.remove_request_header(name);
        let name = String::from_utf8(name.to_vec()).unwrap();
        self.headers.borrow_mut().push((name, value.to_vec()));
    }

    fn define_counter(&self, name: &str) -> Option<MetricId> {
        if self.refuses_metrics {
            return None;
        }
        let mut defined = self.defined.borrow_mut();
        defined.push(name.to_owned());
        Some(MetricId(u32::try_from(defined.len() - 1).unwrap()))
    }

    fn define_gauge(&self, name: &str) -> Option<MetricId> {
        self.define_counter(name)
    }

    fn increment_counter(&self, counter: MetricId) {
        tick(&self.calls.increments);
        let position = usize::try_from(counter.0).unwrap();
        if let Some(name) = self.defined.borrow().get(position) {
            *self.values.borrow_mut().entry(name.clone()).or_default() += 1;
        }
    }

    fn record_gauge(&self, gauge: MetricId, value: u64) {
        let position = usize::try_from(gauge.0).unwrap();
        if let Some(name) = self.defined.borrow().get(position) {
            self.values.borrow_mut().insert(name.clone(), value);
        }
    }

    fn memory(&self) -> usize {
        1 << 20
    }

    fn send_local_response(&self, response: &LocalResponse) {
        let mut responses = self.responses.borrow_mut();
        assert!(responses.is_empty(), "a second response brings Envoy down");
        responses.push(response.clone());
    }

    fn now(&self) -> Option<Timestamp> {
        tick(&self.calls.time);
        self.now
    }

    fn log(&self, level: Level, line: &str) {
        self.log.borrow_mut().push((level, line.to_owned()));
    }
}
