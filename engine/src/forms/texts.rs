//! The forms of the texts in rules.

/// A part of an object name, of any length.
macro_rules! part_of_name {
    () => {
        "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    };
}

/// A DNS label.
macro_rules! label {
    () => {
        "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    };
}

/// The name of an object.
macro_rules! object_name {
    () => {
        concat!(part_of_name!(), "(\\.", part_of_name!(), ")*")
    };
}

/// A segment of the path of a SPIFFE ID.
macro_rules! segment {
    () => {
        "(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+"
    };
}

/// Text of these characters, exact or with one `*` at an end, or `*` alone.
macro_rules! pattern_of {
    ($characters:expr) => {
        concat!("^(\\*|\\*", $characters, "+|", $characters, "+\\*?)$")
    };
}

/// A number from 0 to 255. In a block, it may begin with zeros.
macro_rules! octet {
    () => {
        "(25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
    };
}

/// A literal segment of a path template.
macro_rules! literal_segment {
    () => {
        "/[A-Za-z0-9._~%!$&'()+,;:@=-]+"
    };
}

text_forms! {
    /// A DNS label: lower-case letters, digits and `-`.
    Label = concat!("^", label!(), "$"),
    "use 1 to 63 lower-case letters, digits and `-`; start and end with a letter or digit",
    ["shop", "istio-system"];

    /// The name of a Kubernetes object: lower-case letters, digits, `-` and `.`.
    ObjectName = concat!("^", object_name!(), "$"), max 253,
    "use lower-case letters, digits, `-` and `.`; start and end with a letter or digit",
    ["cart", "cart.v2"];

    /// The name of a policy: the name of a Kubernetes object, of at most 240 characters.
    PolicyObjectName = concat!("^", object_name!(), "$"), max 240,
    "use at most 240 lower-case letters, digits, `-` and `.`; start and end with a letter or digit",
    ["cart"];

    /// A trust domain of SPIFFE IDs.
    TrustDomain = "^[a-z0-9._-]{1,255}$",
    "use 1 to 255 lower-case letters, digits, `.`, `-` and `_`, such as `cluster.local`",
    ["cluster.local"];

    /// A time: RFC 3339 in UTC.
    Time = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]*)?(Z|\\+00:00)$",
    "write the full time in UTC, such as `2030-06-30T23:59:59Z`",
    ["2030-06-30T23:59:59Z"];

    /// A SPIFFE ID or a pattern over SPIFFE IDs, with or without `spiffe://`.
    Principal = concat!(
        "^(\\*|\\*(?![^/]+(/[^/]+){4}$)[A-Za-z0-9._-]*(/", segment!(), ")*",
        "|(spiffe://)?[a-z0-9._-]{1,255}(/", segment!(), ")+",
        "|(spiffe://)?([a-z0-9._-]+|[a-z0-9._-]{1,255}/(", segment!(), "/)*[A-Za-z0-9._-]*)\\*)$"
    ),
    "write it as `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`, or with one `*` at the start or the end",
    ["spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/*", "*"];

    /// A Kubernetes service account: `NAMESPACE/NAME`, or `NAME` in the policy's namespace.
    ServiceAccount = concat!("^(", label!(), "/)?", object_name!(), "$"), max 317,
    "write `NAMESPACE/NAME`, or `NAME` for one in the policy's namespace; for patterns use `principals`",
    ["web", "shop/web"];

    /// A Kubernetes namespace or a pattern over namespaces.
    Namespace = concat!("^(\\*|", label!(), "|[a-z0-9-]+\\*|\\*(?!s?a$)[a-z0-9-]+)$"),
    "use lower-case letters, digits and `-`, with one `*` at most, at the start or the end",
    ["shop", "team-*", "*"];

    /// A trust domain or a pattern over trust domains.
    TrustDomainPattern = pattern_of!("[a-z0-9._-]"),
    "write the name of a trust domain, with one `*` at most, at the start or the end",
    ["cluster.local", "*.example"];

    /// The subject of a JWT as `ISSUER/SUBJECT`, or a pattern.
    RequestPrincipal = "^(\\*|[^*/]+\\*|\\*[^*/]+|[^*]+/([^*/]+\\*?|\\*)|\\*[^*]*/[^*/]+)$",
    "write `ISSUER/SUBJECT` with at most one `*`, at the start or the end",
    ["https://issuer.example/user-1", "https://issuer.example/*", "*"];

    /// An IP address, or a CIDR block that begins at its first address.
    IpBlock = concat!(
        "^(", octet!(), "(\\.0{1,3}){3}/0?[0-8]",
        "|(", octet!(), "\\.){2}0{1,3}\\.0{1,3}/(0?9|1[0-6])",
        "|(", octet!(), "\\.){3}0{1,3}/(1[7-9]|2[0-4])",
        "|(", octet!(), "\\.){3}", octet!(), "(/(2[5-9]|3[0-2]))?",
        "|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.:]*(/[0-9]{1,3})?)$"
    ),
    "write an address, or a block that begins at its first address, such as `10.0.0.0/8` or `2001:db8::/32`",
    ["10.0.0.1", "10.0.0.0/8", "2001:db8::/32"];

    /// The name of a client certificate from outside the mesh, or `*` for any.
    ClientCertificate = concat!(
        "^(\\*|dns:(\\*\\.)?", label!(), "(\\.", label!(), ")*",
        "|uri:[!-)+-9;-~]+:[!-)+-~]*\\*?|subject:[^*=]+=[^*]*)$"
    ),
    "write `*`, `dns:NAME`, `dns:*.NAME`, `uri:URI`, `uri:SCHEME://HOST/*` or `subject:SUBJECT`",
    ["dns:*.partner.example", "uri:https://partner.example/*", "subject:CN=client-7,O=Partner"];

    /// An HTTP method in upper case, or a pattern over methods.
    Method = pattern_of!("[A-Z0-9!#$%&'+.^_`|~-]"),
    "write the method in upper case, such as `GET`, with one `*` at most, at the start or the end",
    ["GET", "POST", "*"];

    /// A path without its query, a pattern, or a template with `{*}` for one segment and `{**}` for any number.
    Path = concat!(
        "^(\\*|\\*[!\"$-)+->@-z|~]+|/[!\"$-)+->@-z|~]*\\*?",
        "|(", literal_segment!(), "|/\\{\\*\\})+(/\\{\\*\\*\\}(", literal_segment!(), ")*)?/?",
        "|/\\{\\*\\*\\}(", literal_segment!(), ")*/?)$"
    ),
    "start the path with `/` and omit the query; within a path, use `{*}` for one segment and `{**}` for any number; `*` is only allowed at the start or the end",
    ["/cart", "/cart/*", "/cart/{*}/items", "/static/{**}"];

    /// The host of a request as clients send it, or a pattern over hosts.
    Host = pattern_of!("[!\"$-)+-.0->A-~]"),
    "write the host as clients send it, such as `cart.shop:7070`, without scheme or path",
    ["cart.shop", "cart.shop:*"];

    /// An exact text, or a pattern with one `*` at the start or the end.
    TextPattern = pattern_of!("[^*]"),
    "use one `*`, at the start or the end, or `*` alone",
    ["blue", "team-*", "*"];

    /// A port, as text.
    PortText = "^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
    "use a port from 1 to 65535, in quotes",
    ["8080"];

    /// The name of an attribute, as in Istio's `AuthorizationPolicy`.
    ConditionKey = concat!(
        "^(source\\.(ip|namespace|principal|serviceAccount|trustDomain)|remote\\.ip|destination\\.(ip|port)|connection\\.sni",
        "|request\\.auth\\.(principal|audiences|presenter)|request\\.auth\\.claims(\\[[^\\[\\]]+\\])+",
        "|request\\.headers\\[(:[A-Za-z]+|[A-Za-z0-9!#$%&'*+.^_`|~-]+)\\]",
        "|experimental\\.envoy\\.filters\\.[^\\[]+\\[[^\\[\\]]+\\])$"
    ),
    "use one of Istio's keys, such as `request.headers[x-tenant]`, `request.auth.claims[groups]` or `source.ip`",
    ["request.headers[x-tenant]", "request.auth.claims[groups]", "source.ip"];
}
