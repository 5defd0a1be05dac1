//! The names in callers' certificates, of every kind and in unusual combinations.

use std::net::IpAddr;

use policy_schema::identity::{CertificateNames, ClientCertificate, NameKind, PeerIdentity};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::alphabet::{DNS_OF_CLIENTS, ODD_IDS, PATHS_OF_IDS, URIS_OF_CLIENTS};

/// The scheme of SPIFFE IDs.
const SCHEME: &str = "spiffe://";

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Names {
    /// URI SANs.
    pub uris: Vec<String>,
    /// DNS SANs.
    pub dns: Vec<String>,
    /// Email addresses among the SANs.
    pub emails: Vec<String>,
    /// IP addresses among the SANs.
    pub ips: Vec<IpAddr>,
    /// The common name, the only part of the subject.
    pub common_name: Option<String>,
}

impl Names {
    /// A certificate with only these URI SANs.
    pub fn uris<'a>(uris: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            uris: uris.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// The caller's identity: the only name that looks like an ID, if it is a URI SAN. Anything
    /// else is malformed.
    pub fn identity(&self) -> Option<Vec<u8>> {
        match self.known().peer() {
            PeerIdentity::Absent => None,
            PeerIdentity::Verified(id) => Some(id.as_str().as_bytes().to_vec()),
            PeerIdentity::Unvalidated | PeerIdentity::Malformed => Some(b"-".to_vec()),
        }
    }

    /// The certificate as one from outside the mesh.
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        self.known().client_certificate()
    }

    /// The names that are relevant for identities.
    fn known(&self) -> CertificateNames {
        let uris = self.uris.iter().map(|uri| (NameKind::Uri, uri.clone()));
        let dns = self.dns.iter().map(|dns| (NameKind::Dns, dns.clone()));
        let subject = self.common_name.iter();
        let subject = subject.map(|name| (NameKind::Subject, format!("CN={name}")));
        CertificateNames::new(uris.chain(dns).chain(subject))
    }

    /// The DNS SANs that look like IDs.
    pub fn ids_in_dns(&self) -> impl Iterator<Item = &String> {
        self.dns.iter().filter(|dns| dns.starts_with(SCHEME))
    }
}

/// Usually one URI SAN of the mesh.
pub fn names() -> impl Strategy<Value = Names> {
    let one = id().prop_map(|id| Names::uris([&*id]));
    let odd = select(&ODD_IDS[..]);
    let odd = odd.prop_map(|uri| Names::uris([uri]));
    let two = (id(), id()).prop_map(|(first, second)| Names::uris([&*first, &*second]));
    let others = (other_names(), proptest::option::of(id())).prop_map(|(names, uri)| Names {
        uris: uri.into_iter().collect(),
        ..names
    });
    prop_oneof![12 => one, 1 => odd, 1 => two, 4 => others, 4 => from_outside()]
}

/// Usually names that rules match, of each kind.
pub fn from_outside() -> impl Strategy<Value = Names> {
    let uri = select(&URIS_OF_CLIENTS[..]).prop_map(str::to_owned);
    let dns = select(&DNS_OF_CLIENTS[..]).prop_map(str::to_owned);
    let common_name = select(&["a", "b", "ab"][..]).prop_map(str::to_owned);
    (vec(uri, 0..3), vec(dns, 0..3), weighted(0.5, common_name)).prop_map(
        |(uris, dns, common_name)| Names {
            uris,
            dns,
            common_name,
            ..Names::default()
        },
    )
}

/// A SPIFFE ID of the mesh.
fn id() -> impl Strategy<Value = String> {
    let domain = prop_oneof![9 => Just("td1"), 2 => Just("td2"), 1 => Just("td3")];
    (domain, select(&PATHS_OF_IDS[..]))
        .prop_map(|(domain, path)| format!("{SCHEME}{domain}/{path}"))
}

/// Names of kinds other than URI.
fn other_names() -> impl Strategy<Value = Names> {
    let dns = prop_oneof![
        2 => select(&["a.b", "", "/ns/ba/"][..]).prop_map(str::to_owned),
        1 => id(),
    ];
    let dns = vec(dns, 0..3);
    let common_name = select(&["a", "spiffe://td1/ns/a/sa/a", "/ns/ba/sa/x"][..]);
    let common_name = weighted(0.4, common_name.prop_map(str::to_owned));
    (dns, common_name, any::<bool>(), any::<bool>()).prop_map(
        |(dns, common_name, has_email, has_ip)| Names {
            uris: Vec::new(),
            dns,
            emails: has_email.then(|| "a@b".to_owned()).into_iter().collect(),
            ips: has_ip.then(|| [127, 0, 0, 1].into()).into_iter().collect(),
            common_name,
        },
    )
}
