//! Renders policies to `DestinationRule` (Istio, networking.istio.io): how callers' proxies call a
//! host.
//!
//! Istio detects by itself which endpoints speak mutual TLS, unless an object configures it
//! (`DestinationRule`, `trafficPolicy.tls`; mesh config, `enableAutoMtls`). So `tls` is rendered
//! only if a policy requires mutual TLS. Subsets then inherit it from the host.

use std::collections::BTreeMap;

use serde::Serialize;

use super::api_version;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use super::service_entry::external_hosts;
use crate::document::{OutlierDetectionSpec, ServiceMtls, TrafficSpec};
use crate::policy::{IstioVersion, Labels, PolicySet, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationRuleSpec {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_policy: Option<TrafficPolicy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subsets: Vec<Subset>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    export_to: Vec<&'static str>,
}

impl Spec for DestinationRuleSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::DestinationRule
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version::networking(istio)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrafficPolicy {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    connection_pool: BTreeMap<&'static str, BTreeMap<&'static str, Limit>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outlier_detection: Option<OutlierDetection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ClientTls>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Limit {
    Number(u32),
    Duration(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutlierDetection {
    #[serde(
        rename = "consecutive5xxErrors",
        skip_serializing_if = "Option::is_none"
    )]
    consecutive_5xx_errors: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_ejection_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ejection_percent: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct ClientTls {
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Subset {
    name: String,
    labels: Labels,
}

/// The objects for services and external hosts with traffic settings.
pub(super) fn destination_rules(set: &PolicySet) -> Vec<Resource> {
    let mesh = &set.mesh;
    let mut resources = Vec::new();
    for policy in &set.policies {
        let Some(service) = &policy.service else {
            continue;
        };
        let namespace = &policy.name.namespace;
        let spec = DestinationRuleSpec {
            host: service.host(namespace, mesh),
            traffic_policy: traffic_policy(&service.traffic, client_tls(service)),
            subsets: service
                .subsets
                .iter()
                .map(|subset| Subset {
                    name: subset.name.clone(),
                    labels: subset.labels.clone(),
                })
                .collect(),
            export_to: Vec::new(),
        };
        if spec.traffic_policy.is_some() || !spec.subsets.is_empty() {
            let object =
                Resource::new(mesh.istio_version, metadata(&service.name, namespace), spec);
            resources.push(object.with_source(format!(
                "service `{}` of policy `{}`",
                service.name, policy.name
            )));
        }
    }
    for external in external_hosts(set) {
        let Some(traffic_policy) = traffic_policy(external.traffic, None) else {
            continue;
        };
        let spec = DestinationRuleSpec {
            host: external.host.to_owned(),
            traffic_policy: Some(traffic_policy),
            subsets: Vec::new(),
            export_to: vec!["."],
        };
        let object = Resource::new(
            mesh.istio_version,
            metadata(external.object_name(), external.namespace),
            spec,
        );
        resources.push(object.with_source(external.source()));
    }
    resources
}

fn client_tls(service: &Service) -> Option<ClientTls> {
    match service.mtls {
        ServiceMtls::Auto => None,
        ServiceMtls::Always => Some(ClientTls {
            mode: "ISTIO_MUTUAL",
        }),
    }
}

fn traffic_policy(traffic: &TrafficSpec, tls: Option<ClientTls>) -> Option<TrafficPolicy> {
    let number = |limit: Option<u32>| limit.map(Limit::Number);
    let connect_timeout = traffic.connect_timeout.clone().map(Limit::Duration);
    let tcp = [
        ("connectTimeout", connect_timeout),
        ("maxConnections", number(traffic.max_connections)),
    ];
    let http = [
        (
            "http1MaxPendingRequests",
            number(traffic.max_pending_requests),
        ),
        ("http2MaxRequests", number(traffic.max_requests)),
        (
            "maxRequestsPerConnection",
            number(traffic.max_requests_per_connection),
        ),
        ("maxRetries", number(traffic.max_retries)),
    ];
    let present = |limits: &[(&'static str, Option<Limit>)]| -> BTreeMap<_, _> {
        let limits = limits.iter();
        limits
            .filter_map(|(key, limit)| Some((*key, limit.clone()?)))
            .collect()
    };
    let mut connection_pool = BTreeMap::from([("tcp", present(&tcp)), ("http", present(&http))]);
    connection_pool.retain(|_, limits| !limits.is_empty());
    let policy = TrafficPolicy {
        connection_pool,
        outlier_detection: traffic.outlier_detection.as_ref().map(outlier_detection),
        tls,
    };
    (policy != TrafficPolicy::default()).then_some(policy)
}

fn outlier_detection(spec: &OutlierDetectionSpec) -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx_errors: spec.consecutive5xx_errors,
        interval: spec.interval.clone(),
        base_ejection_time: spec.base_ejection_time.clone(),
        max_ejection_percent: spec.max_ejection_percent,
    }
}
