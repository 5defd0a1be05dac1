//! The files in `monitoring/`: rules, alerts and dashboards, on a real Prometheus that scrapes a
//! real Envoy with the filter.

mod dashboards;
mod grafana;
mod live;
mod rules;
mod scrape;
mod vocabulary;
