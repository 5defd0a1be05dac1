//! A request as the proxy presents it to the filter, and the filter's answer.

use std::collections::BTreeMap;

/// The attributes of a request and its connection, by path. Zero bytes separate the parts.
pub(crate) type Properties = BTreeMap<Vec<u8>, Vec<u8>>;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The trailers. If empty, the request ends with its headers.
    pub(crate) trailers: Vec<(String, String)>,
    /// The attributes, including filter state.
    pub(crate) properties: Properties,
}

/// The filter's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status of the filter's own response; `None` if the request passes.
    pub(crate) status: Option<u32>,
    /// The reasons of the decisions that the filter counted.
    pub(crate) reasons: Vec<String>,
    /// The request as later filters and the upstream see it.
    pub(crate) request: Request,
}
