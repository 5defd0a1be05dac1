//! Certificate authorities and the certificates that they issue.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::{DOMAIN, peergate};

/// The serial number of the next certificate.
static NEXT: AtomicU64 = AtomicU64::new(0x1000);

/// An intermediate and its root, as `peergate certs` creates them.
pub(crate) struct Issuing {
    pub(crate) ca_cert: String,
    pub(crate) ca_key: String,
    pub(crate) root: String,
}

impl Issuing {
    /// Creates an intermediate of the root in `folder`, and the root if it does not exist.
    pub(crate) fn new(folder: &Path, root: &str, cluster: &str) -> Self {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (root, out) = (path(root), path(cluster));
        let domain = ["--trust-domain", DOMAIN];
        if !Path::new(&root).exists() {
            let make = ["certs", "root", "--out", &root];
            assert_eq!(peergate(&[&make, &domain[..]].concat(), "").0, Some(0));
        }
        let make = [
            "certs",
            "cluster",
            "--root",
            &root,
            "--cluster",
            cluster,
            "--out",
            &out,
        ];
        assert_eq!(peergate(&[&make, &domain[..]].concat(), "").0, Some(0));
        let read = |name: &str| fs::read_to_string(Path::new(&out).join(name)).unwrap();
        Self {
            ca_cert: read("ca-cert.pem"),
            ca_key: read("ca-key.pem"),
            root: read("root-cert.pem"),
        }
    }

    /// A certificate with its chain, its key, and its serial number as Envoy prints it.
    pub(crate) fn issue(&self, id: &str, from_hours: i64, to_hours: i64) -> Leaf {
        let at = |hours: i64| {
            let span = Duration::from_hours(hours.unsigned_abs());
            let now = SystemTime::now();
            if hours < 0 { now - span } else { now + span }
        };
        let issuer_key = KeyPair::from_pem(&self.ca_key).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.ca_cert, issuer_key).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = at(from_hours).into();
        params.not_after = at(to_hours).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(id).unwrap())];
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Leaf {
            chain: certificate.pem() + &self.ca_cert,
            key: key.serialize_pem(),
            serial: format!("{serial:x}"),
        }
    }

    /// A certificate that is valid for a day.
    pub(crate) fn good(&self, id: &str) -> Leaf {
        self.issue(id, -1, 23)
    }
}

pub(crate) struct Leaf {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) serial: String,
}
