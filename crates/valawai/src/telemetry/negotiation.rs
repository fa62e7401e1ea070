//! Which format of metrics a client wants.

/// A format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus' own text format, which every client reads.
    Prometheus,
    OpenMetrics,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format for the media types that a client accepts: `OpenMetrics` if it prefers that, or likes both.
    pub(super) fn accepted_by(accept: &str) -> Self {
        let quality = |wanted: &[&str]| {
            let ranges =
                accept.split(',').filter_map(Range::parse).filter(|range| wanted.contains(&&*range.media_type));
            ranges.map(|range| range.quality).max().unwrap_or_default()
        };
        let open_metrics = quality(&["application/openmetrics-text"]);
        if open_metrics > 0 && open_metrics >= quality(&["text/plain", "text/*"]) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

/// A media type that is accepted, and how much, in thousandths.
struct Range {
    media_type: String,
    quality: u16,
}

impl Range {
    /// `None` if it is malformed, or of a version that is not written here.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let mut quality = 1000;
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match (&*name.trim().to_ascii_lowercase(), value.trim().trim_matches('"')) {
                ("q", value) => quality = thousandths(value)?,
                ("version", version) if media_type == "application/openmetrics-text" && !version.starts_with("1.") => {
                    return None;
                }
                _ => {}
            }
        }
        Some(Self { media_type, quality })
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
    (0.0..=1.0).contains(&quality).then_some((quality * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_format_that_it_prefers() {
        use Format::{OpenMetrics, Prometheus};
        for (accept, expected) in [
            ("", Prometheus),
            ("*/*", Prometheus),
            ("text/html, text/plain", Prometheus),
            // Prometheus 2.42 and 3.0.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.5,*/*;q=0.2",
                OpenMetrics,
            ),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8", OpenMetrics),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.8", Prometheus),
            ("application/openmetrics-text;version=0.0.1", Prometheus),
            ("application/openmetrics-text;q=0", Prometheus),
            ("application/openmetrics-text;q=2", Prometheus),
            (";;;,=,q=,application/openmetrics-text;q=x", Prometheus),
        ] {
            assert_eq!(Format::accepted_by(accept), expected, "{accept}");
        }
    }
}
