// What tests hold `monitoring/` to: Grafana's own types, and the Prometheus operator's definitions, of which only files
// are used.
module peergate.dev/tests/monitoring

go 1.24.0

require (
	github.com/grafana/grafana-foundation-sdk/go v0.0.22
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
