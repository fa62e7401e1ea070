//! Prometheus' text format, made of `OpenMetrics`.
//!
//! The library writes `OpenMetrics` only. The older format names families as their samples are named (`x_total` where `OpenMetrics`
//! has the counter `x`), and knows neither units, nor the type `info`, nor the mark at the end.

/// `open_metrics` in Prometheus' text format.
pub(super) fn to_prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            // Its name depends on the type, which follows.
            (Some("#"), Some("HELP"), Some(_), description) => help = description.unwrap_or_default(),
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    "unknown" => ("", "untyped"),
                    _ => ("", kind),
                };
                text.extend(["# HELP ", name, suffix, " ", help, "\n# TYPE ", name, suffix, " ", kind, "\n"]);
            }
            (Some("#"), ..) => {}
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_named_as_their_samples() {
        let open_metrics = "\
# HELP x_seconds How long.
# TYPE x_seconds counter
# UNIT x_seconds seconds
x_seconds_total{channel=\"# TYPE y counter\"} 1.5
# HELP build What it is.
# TYPE build info
build_info{version=\"1\"} 1
# HELP y How many.
# TYPE y gauge
y 2
# EOF
";
        let expected = "\
# HELP x_seconds_total How long.
# TYPE x_seconds_total counter
x_seconds_total{channel=\"# TYPE y counter\"} 1.5
# HELP build_info What it is.
# TYPE build_info gauge
build_info{version=\"1\"} 1
# HELP y How many.
# TYPE y gauge
y 2
";
        assert_eq!(to_prometheus(open_metrics), expected);
    }
}
