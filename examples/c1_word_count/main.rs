//! A C1 component: it replies to each report with the number of its words, and publishes records, which depend on a state.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use valawai::{Context, Failure, Output};

const RECORDS: Output = Output::new("data/record");

#[derive(Deserialize)]
struct Report {
    report: String,
}

#[derive(Serialize)]
struct Count {
    words: usize,
    total_words: usize,
}

#[derive(Serialize)]
struct Record {
    longest_report: String,
    record_words: usize,
}

/// A change of it counts when everything that the handler published is confirmed.
#[derive(Clone, Default)]
struct Words {
    total: usize,
    record: usize,
}

fn main() -> ExitCode {
    valawai::main(&component())
}

fn component() -> valawai::Component {
    valawai::component!("asyncapi.yaml")
        .sends(RECORDS)
        .on("data/report")
        .with_state(Words::default())
        .reply("data/count", count)
}

fn count(Report { report }: Report, so_far: &mut Words, context: &Context) -> Result<Count, Failure> {
    let words = report.split_whitespace().count();
    if words == 0 {
        return Err(Failure::refuse("the report is empty"));
    }
    so_far.total += words;
    if words > so_far.record {
        so_far.record = words;
        context.send(RECORDS, &Record { longest_report: report, record_words: words })?;
    }
    Ok(Count { words, total_words: so_far.total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_component_matches_its_asyncapi_yaml() {
        component().check().map(drop).unwrap();
    }

    #[test]
    fn words_are_counted_and_a_new_record_is_published() {
        let running = valawai::testing::run(&component());
        for report in ["one two", "one", "one two three"] {
            running.publish("data/report", &json!({ "report": report }));
        }
        let totals = [0; 3].map(|_| running.receive("data/count")["total_words"].clone());
        assert_eq!(totals, [2, 3, 6]);
        assert_eq!(running.receive("data/record")["record_words"], 2);
        assert_eq!(running.receive("data/record")["record_words"], 3);
    }

    #[test]
    fn an_empty_report_becomes_a_dead_letter() {
        let running = valawai::testing::run(&component());
        running.publish("data/report", &json!({ "report": " " }));
        running.wait_until_acknowledged("data/report");
        assert_eq!(running.dead_letters("data/report"), [json!({ "report": " " })]);
    }
}
