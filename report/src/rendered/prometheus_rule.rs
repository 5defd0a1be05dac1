//! Rule files → a `PrometheusRule` of the Prometheus operator.

/// Combines the groups of these rule files in a `PrometheusRule` and keeps their comments.
pub fn prometheus_rule<'t>(files: impl IntoIterator<Item = &'t str>) -> String {
    let mut object = "\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: peergate
  labels:
    app.kubernetes.io/name: peergate
spec:
  groups:
"
    .to_owned();
    for file in files {
        let lines = file.lines();
        // The lines before the groups describe the file.
        let groups = lines.skip_while(|line| *line != "groups:").skip(1);
        for line in groups {
            if !line.is_empty() {
                object.push_str("  ");
                object.push_str(line);
            }
            object.push('\n');
        }
    }
    object
}
