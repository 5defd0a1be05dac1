//! Rule files → an object of the Prometheus operator.

/// The object of the Prometheus operator with the groups of these rule files, which keep their comments.
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
        // Before the groups stands what the file is about.
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
