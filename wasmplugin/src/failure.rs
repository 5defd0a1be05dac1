//! Why a command did not do what it was asked.

use std::io;
use std::path::PathBuf;

use policy_schema::decision_id::InvalidDecisionId;
use policy_schema::envoy::NotForPlainEnvoy;
use policy_schema::plugin_config::{ConfigError, PolicyName};
use policy_schema::timestamp::Timestamp;
use policy_schema::verify::NotAConfigDump;
use thiserror::Error;

use crate::admin::AdminError;
use crate::certificates::authority::AuthorityError;
use crate::cluster::ClusterError;
use crate::demo::DemoError;
use crate::exit_status::ExitStatus;
use crate::image::InvalidLayout;
use crate::learning::access_log::InvalidLine;
use crate::learning::counters::InvalidSeries;
use crate::network;
use crate::policy_edit::EditError;
use crate::prometheus::PrometheusError;
use crate::registry::PushError;
use crate::report::counted;

/// Why a command did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("cannot read `{name}`: {reason}")]
    Read { name: String, reason: io::Error },
    #[error("cannot write `{name}`: {reason}")]
    Write { name: String, reason: io::Error },
    #[error("cannot write `{}`: there is no folder `{}`", .path.display(), .folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// A file of an authority, with its key or beside it.
    #[error("`{}` exists already", .0.display())]
    KeyExists(PathBuf),
    #[error("`{}` has no `.yaml`, `.yml` or `.json` file", .0.display())]
    EmptyFolder(PathBuf),
    #[error("stdin is asked for twice")]
    StdinTwice,
    /// The diagnostics have been shown.
    #[error("the policies are not valid: {0}")]
    InvalidPolicies(String),
    /// What stands in the way has been shown.
    #[error("nothing is printed: {} cannot be read or carried over", counted(*.0, "part of the input", "parts of the input"))]
    NotImported(usize),
    #[error("there is no policy `{name}`")]
    UnknownPolicy { name: String, help: String },
    #[error("there are {0} policies, and this is for one of them")]
    SeveralPolicies(usize),
    #[error("there is no policy beside the mesh")]
    NoPolicy,
    #[error("the mesh does not say where sidecars fetch the filter")]
    MissingImage,
    #[error("{0}")]
    NoTrafficExtension(String),
    /// Which they are has been shown.
    #[error("nothing is rendered: {} too large", counted(*.0, "object is", "objects are"))]
    TooLarge(usize),
    /// Which they are has been shown.
    #[error("nothing is rendered: {} the name of another", counted(*.0, "object has", "objects have"))]
    SameName(usize),
    #[error("`{}` is no WebAssembly module", .0.display())]
    NoModule(PathBuf),
    #[error("`{name}`: {reason}")]
    BuildInfo { name: String, reason: String },
    #[error("`{name}` is no image: {reason}")]
    InvalidImage { name: String, reason: InvalidLayout },
    #[error("nothing is uploaded: the image cannot be written into `{name}`: {reason}")]
    NoImageField { name: String, reason: EditError },
    /// The diagnostics have been shown.
    #[error("nothing is uploaded: with the image, the file would not be valid: {0}")]
    InvalidWithImage(String),
    #[error("`{name}`: {reason}")]
    NoCertificates { name: String, reason: String },
    /// What is wrong with them has been shown.
    #[error("the manifests cannot be read: {0}")]
    InvalidManifests(String),
    #[error("`{name}` is not what a proxy says at `/config_dump`: {reason}")]
    NoConfigDump {
        name: String,
        reason: NotAConfigDump,
    },
    #[error("cannot read {what} from the cluster: {reason}")]
    Unseen { what: String, reason: String },
    #[error("the cluster cannot be looked at: {0}")]
    Cluster(#[from] ClusterError),
    #[error("proxy {name}: {reason}")]
    Proxy { name: String, reason: AdminError },
    #[error("proxy {0} says something else than metrics at `/stats/prometheus`")]
    NoMetrics(String),
    #[error(
        "{0} has counters of the filter, and no labels: all that they are about stands in their names"
    )]
    NoLabels(String),
    #[error("`{name}` has no certificate in PEM: {reason}")]
    InvalidAuthorities { name: String, reason: String },
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
    #[error("stdin cannot be written to")]
    StdinNotWritable,
    #[error("a patch of stdin applies to nothing")]
    StdinNotPatchable,
    #[error("`--until {0}` is past already, and so would be the rule")]
    UntilPast(Timestamp),
    #[error("there is no Prometheus to ask")]
    NoPrometheus,
    #[error("there is no rule `{0}` in shadow")]
    NotInShadow(String),
    #[error("`{name}` is not changed: {reason}")]
    NotEditable { name: String, reason: EditError },
    #[error("`{}` is not changed: somebody else has changed it meanwhile", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// The diagnostics have been shown.
    #[error("nothing is changed: enforced, the policies are not valid: {0}")]
    InvalidWhenEnforced(String),
    #[error("nothing is changed: policy `{0}` would be in shadow all the same")]
    StillInShadow(PolicyName),
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    #[error(transparent)]
    DecisionId(InvalidDecisionId),
    #[error("nothing is written: the id is not sealed with a key, so anyone may have made it up")]
    UnsealedId,
    #[error("this id is of no policy")]
    DecisionOfNoPolicy,
    #[error("`{0}` has no key for the ids of decisions")]
    NoDecisionKey(String),
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error("cannot write JUnit: {0}")]
    Junit(quick_junit::SerializeError),
    #[error("both are of the same root")]
    SameRoot,
    #[error("nothing is written: what is in {}: {reason}", folder.display())]
    UnsoundAuthority { folder: PathBuf, reason: String },
    #[error("nothing is written: `{from}` signs now, and `{to}` is another trust domain")]
    OtherTrustDomain { from: String, to: String },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the image is not uploaded: {0}")]
    Push(PushError),
    #[error("`plugin-config` and `envoy` are rendered alone")]
    NotTogether,
    #[error("there are {0} files, and this is a place for one")]
    SeveralFiles(usize),
    #[error("dashboards do not stand in a `PrometheusRule`, and no rules are asked for")]
    NoRulesForObject,
    #[error("a chart is a folder")]
    ChartNeedsFolder,
    #[error("`{name}` is no access log that can be learnt from: line {line}: {reason}")]
    NoAccessLog {
        name: String,
        line: usize,
        reason: InvalidLine,
    },
    /// What is wrong with what would be written has been shown.
    #[error("nothing is written: what was learnt is not accepted: {0}")]
    NotLearnt(String),
    /// The same.
    #[error("nothing is written: what was learnt is not accepted: {0}")]
    LearntWithoutService(String),
    #[error("what Prometheus has is not of the filter's learning mode: {0}")]
    NotOfLearningMode(#[from] InvalidSeries),
    /// What is wrong with a question, and how to ask it.
    #[error("{message}")]
    InvalidQuestion { message: String, help: String },
    #[error("{file}:{line}:{column}: {message}")]
    InvalidRequest {
        file: String,
        line: usize,
        column: usize,
        message: String,
    },
    /// What was rendered is refused by its own reader.
    #[error("policy `{name}`: {reason}")]
    Config {
        name: PolicyName,
        reason: ConfigError,
    },
    #[error("policy `{name}`: {reason}")]
    NotForPlainEnvoy {
        name: PolicyName,
        reason: NotForPlainEnvoy,
    },
    #[error("there is no filter to run")]
    MissingFilter,
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error("cannot write YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser_error::Error),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// How the run ends.
    pub(crate) fn status(&self) -> ExitStatus {
        match self {
            Self::Prometheus(reason) if reason.is_invalid_argument() => ExitStatus::Invalid,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Prometheus(_)
            | Self::Proxy { .. }
            | Self::NoMetrics(_)
            | Self::NoLabels(_)
            | Self::NoFolder { .. }
            | Self::Terminal(_)
            | Self::Exists(_)
            | Self::KeyExists(_)
            | Self::Config { .. }
            | Self::MissingFilter
            | Self::Push(_)
            | Self::Cluster(_)
            | Self::Unseen { .. }
            | Self::Runtime(_)
            | Self::Demo(_)
            | Self::Junit(_)
            | Self::Yaml(_)
            | Self::Json(_) => ExitStatus::Failure,
            Self::DecisionId(_)
            | Self::UnsealedId
            | Self::DecisionOfNoPolicy
            | Self::NoDecisionKey(_)
            | Self::EmptyFolder(_)
            | Self::StdinTwice
            | Self::StdinNotWritable
            | Self::StdinNotPatchable
            | Self::UntilPast(_)
            | Self::NoPrometheus
            | Self::InvalidAuthorities { .. }
            | Self::NotInShadow(_)
            | Self::NotEditable { .. }
            | Self::ChangedMeanwhile(_)
            | Self::InvalidWhenEnforced(_)
            | Self::StillInShadow(_)
            | Self::InvalidPolicies(_)
            | Self::NotImported(_)
            | Self::NoAccessLog { .. }
            | Self::NotLearnt(_)
            | Self::LearntWithoutService(_)
            | Self::NotOfLearningMode(_)
            | Self::UnknownPolicy { .. }
            | Self::SeveralPolicies(_)
            | Self::NoPolicy
            | Self::MissingImage
            | Self::NoTrafficExtension(_)
            | Self::TooLarge(_)
            | Self::SameName(_)
            | Self::NotTogether
            | Self::NoModule(_)
            | Self::BuildInfo { .. }
            | Self::InvalidImage { .. }
            | Self::NoCertificates { .. }
            | Self::InvalidManifests(_)
            | Self::NoConfigDump { .. }
            | Self::Authority(_)
            | Self::SameRoot
            | Self::UnsoundAuthority { .. }
            | Self::OtherTrustDomain { .. }
            | Self::NoImageField { .. }
            | Self::InvalidWithImage(_)
            | Self::SeveralFiles(_)
            | Self::NoRulesForObject
            | Self::ChartNeedsFolder
            | Self::NotForPlainEnvoy { .. }
            | Self::InvalidQuestion { .. }
            | Self::InvalidRequest { .. } => ExitStatus::Invalid,
        }
    }

    /// What to do about a rule or a policy that is not enforced.
    fn help_with_promotion(&self) -> Option<&str> {
        match self {
            Self::NotInShadow(_) => {
                Some("`peergate promote` without `--rule` lists what is in shadow")
            }
            Self::NotEditable { .. } => Some(
                "remove `enforcement: Shadow` there by hand, or choose what to change with `--workload` and `--rule`",
            ),
            Self::ChangedMeanwhile(_) => Some("try again"),
            Self::InvalidWhenEnforced(_) => {
                Some("see to what is shown above first, or choose what to change with `--rule`")
            }
            Self::StillInShadow(_) => Some(
                "the `Mesh` has `spec.defaults.enforcement: Shadow`; write `enforcement: Enforce` in the policy",
            ),
            _ => None,
        }
    }

    /// What to do about an image that is not uploaded, or not named.
    fn help_with_image(&self) -> Option<&str> {
        match self {
            Self::InvalidImage { .. } => Some("make it with `peergate package`"),
            Self::NoImageField { reason, .. } => Some(match reason {
                EditError::NoMesh => "name the file with the `Mesh`",
                _ => {
                    "leave `--write` out, and put the reference that is printed under `spec.filter.image` by hand"
                }
            }),
            Self::InvalidWithImage(_) => Some("mend what is shown above, and try again"),
            Self::Push(PushError::IdentityToken) => {
                Some("log in with a name and a password, or use a credential helper")
            }
            Self::Push(PushError::Registry(reason)) if network::is_authority_unknown(reason) => {
                Some("name a PEM file with the authority: `--ca-file`")
            }
            Self::Push(_) => Some("nothing names the image yet, so trying again does no harm"),
            _ => None,
        }
    }

    /// What to do about roots and intermediates.
    fn help_with_authorities(&self) -> Option<&str> {
        match self {
            Self::KeyExists(_) => {
                Some("choose another folder: the key of an authority is never overwritten")
            }
            Self::SameRoot => Some(
                "an intermediate of the same root takes the place of another by its own Secret alone",
            ),
            Self::UnsoundAuthority { .. } => {
                Some("see all that is wrong with `peergate certs read FOLDER/cacerts.yaml`")
            }
            Self::OtherTrustDomain { .. } => Some(
                "make the new authority for the trust domain of the mesh: no workload would be known under another",
            ),
            Self::Authority(AuthorityError::OutlivesRoot(_)) => {
                Some("give it fewer `--days`, or make a new root")
            }
            Self::Authority(_) => Some("make a root with `peergate certs root`"),
            _ => None,
        }
    }

    /// What to do about what `peergate learn` was given.
    fn help_with_learning(&self) -> Option<&str> {
        match self {
            Self::NoAccessLog {
                reason: InvalidLine::NoPolicy,
                ..
            } => Some("name the policy with `--workload NAMESPACE/NAME`"),
            Self::NoAccessLog {
                reason: InvalidLine::Prefixed,
                ..
            } => Some("print the lines alone, as by `kubectl logs` or `stern --output raw`"),
            Self::NoAccessLog {
                reason: InvalidLine::Utf16,
                ..
            } => Some("convert it to UTF-8, as by `iconv -f UTF-16 -t UTF-8`"),
            Self::NoAccessLog {
                reason: InvalidLine::Compressed,
                ..
            } => Some("decompress it first, as by `gzip -dc FILE | peergate learn --access-log -`"),
            Self::NoAccessLog { .. } => Some(
                "write it as JSON, one object a line, with the fields that docs/learn.md names",
            ),
            Self::LearntWithoutService(_) => {
                Some("name the service's port with `--service-port`, or write the policy by hand")
            }
            Self::NotOfLearningMode(_) => {
                Some("see what else is scraped under the name `peergate_observed_requests_total`")
            }
            Self::NotLearnt(_) => Some(
                "see whether the log is of this mesh, then leave out what is named above, or write the rules by hand",
            ),
            _ => None,
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<&str> {
        match self {
            Self::Read { .. }
            | Self::Write { .. }
            | Self::InvalidPolicies(_)
            | Self::InvalidManifests(_)
            | Self::NotForPlainEnvoy { .. }
            | Self::Demo(_)
            | Self::Runtime(_)
            | Self::Junit(_)
            | Self::Yaml(_)
            | Self::Json(_) => None,
            Self::NoConfigDump { .. } => Some(
                "save it with `curl -s localhost:15000/config_dump`, or name the admin endpoint: `http://localhost:15000`",
            ),
            Self::Prometheus(reason) => reason.help(),
            Self::DecisionId(reason) => Some(help_with_id(*reason)),
            Self::UnsealedId => Some(
                "check in the logs of the proxy who called, and add `--yes`; or seal ids with `--decision-key`",
            ),
            Self::DecisionOfNoPolicy => Some(help_with_id(InvalidDecisionId::Malformed)),
            Self::NoDecisionKey(_) => Some("make one with `openssl rand -base64 32`"),
            Self::Proxy { .. } | Self::NoMetrics(_) => Some(
                "name the admin endpoint of a proxy; one in a cluster is reached by `kubectl port-forward -n NAMESPACE POD 15000`",
            ),
            Self::Terminal(_) => Some("print one table instead: `--once`"),
            Self::StdinNotWritable => Some("name the file, or leave `--write` out"),
            Self::StdinNotPatchable => Some("name the file, or leave `--output patch` out"),
            Self::UntilPast(_) => Some("name a time to come, or leave `--until` out for a week"),
            Self::NoPrometheus => Some("name one: `--prometheus http://HOST:PORT`"),
            Self::NotInShadow(_)
            | Self::NotEditable { .. }
            | Self::ChangedMeanwhile(_)
            | Self::InvalidWhenEnforced(_)
            | Self::StillInShadow(_) => self.help_with_promotion(),
            Self::Cluster(reason) => Some(reason.help()),
            Self::Unseen { .. } => {
                Some("ask for permission to list them; docs/verify.md has the role")
            }
            Self::NoLabels(_) => Some(
                "tell the proxies the tags, or have Prometheus take labels out of flat names: docs/metrics.md, \"Get labels\"",
            ),
            Self::InvalidAuthorities { .. } => {
                Some("name a PEM file with the authority's certificate, and no key")
            }
            Self::NoFolder { .. } => Some("make the folder first, or name another place"),
            Self::MissingFilter => Some(
                "build it with `make filter` and name it with `--filter` or PEERGATE_FILTER; `make demo` does both",
            ),
            Self::Exists(_) => Some("choose another name, or overwrite it with `--force`"),
            Self::EmptyFolder(_) => Some("files whose name begins with `.` do not count"),
            Self::StdinTwice => Some("name a file for one of the two"),
            Self::NotImported(_) => Some("change or remove what is named above, then import again"),
            Self::NoAccessLog { .. }
            | Self::LearntWithoutService(_)
            | Self::NotOfLearningMode(_)
            | Self::NotLearnt(_) => self.help_with_learning(),
            Self::UnknownPolicy { help, .. } | Self::InvalidQuestion { help, .. } => Some(help),
            Self::SeveralPolicies(_) => Some("choose one with `--workload NAMESPACE/NAME`"),
            Self::NoPolicy => Some("add a document of kind `ServicePolicy`"),
            Self::MissingImage => Some("set `spec.filter.image` of the `Mesh`"),
            Self::NoModule(_) | Self::BuildInfo { .. } => Some("make both with `make filter`"),
            Self::NoCertificates { .. } => {
                Some("name a PEM file, a Secret, or what a proxy says at `/certs`")
            }
            Self::KeyExists(_)
            | Self::SameRoot
            | Self::UnsoundAuthority { .. }
            | Self::OtherTrustDomain { .. }
            | Self::Authority(_) => self.help_with_authorities(),
            Self::InvalidImage { .. }
            | Self::NoImageField { .. }
            | Self::InvalidWithImage(_)
            | Self::Push(_) => self.help_with_image(),
            Self::NoTrafficExtension(_) => Some("leave `--extension-api` out"),
            Self::TooLarge(_) => Some(
                "divide the policies that they are of: each for fewer workloads, or with fewer rules",
            ),
            Self::SameName(_) => Some(
                "rename one of the two that each is made of: the policy, the gateway, the service or the exception",
            ),
            Self::NotTogether => Some("name it alone under `--only`"),
            Self::SeveralFiles(_) => {
                Some("name a folder, as `-o monitoring/`, or one of them with `--only`")
            }
            Self::NoRulesForObject => {
                Some("leave `--layout` out, or name `rules` or `alerts` with `--only` too")
            }
            Self::ChartNeedsFolder => Some("name a folder: `-o chart/`"),
            Self::InvalidRequest { .. } => {
                Some("correct the line; `peergate decide --help` names the fields of a request")
            }
            Self::Config { .. } => Some("this is a defect of Peergate; please report it"),
        }
    }
}

/// What to do about the id of a decision that is not taken.
fn help_with_id(reason: InvalidDecisionId) -> &'static str {
    match reason {
        InvalidDecisionId::NeedsKey => {
            "name the file with the key that the policies were rendered with: `--decision-key FILE`"
        }
        InvalidDecisionId::NotSealed => {
            "do not trust it, unless it is from a sidecar that has no key yet; then leave `--decision-key` out"
        }
        InvalidDecisionId::Malformed
        | InvalidDecisionId::UnknownVersion
        | InvalidDecisionId::BadSeal => {
            "copy all of it, from the header `x-peergate-decision` or from the log, and use the documents and the key of the same mesh"
        }
    }
}
