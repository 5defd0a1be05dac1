//! The files in `monitoring/`, and a mesh to run them on.

pub mod files;
mod mesh;

pub use mesh::Mesh;

/// The query as Grafana would send it, for every rule of the mesh that a viewer can select.
pub fn filled_in(query: &str) -> Vec<String> {
    let query = query
        .replace("$__rate_interval", "1m")
        .replace("$__range", "5m")
        .replace("$cluster", ".*")
        .replace("$policy", "shop_orders");
    let rules = ["web", "old-reports", "no-bulk"];
    rules.map(|rule| query.replace("$rule", rule)).into()
}
