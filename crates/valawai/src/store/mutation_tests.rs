//! Answers that are almost right: whatever was changed in them, they are read or rejected.

use proptest::prelude::*;

use super::{consul, etcd2, etcd3};

/// Correct answers of all kinds.
const ANSWERS: [&str; 5] = [
    r#"[{"Key":"a/b","Value":"MQ==","Flags":0},{"Key":"a/c/","Value":null}]"#,
    r#"{"header":{"cluster_id":"1","revision":"7"},"kvs":[{"key":"YS9i","value":"MQ==","version":"1"}],"count":"1"}"#,
    r#"{"action":"get","node":{"key":"/a","dir":true,"nodes":[{"key":"/a/b","value":"1"},{"key":"/a/c","nodes":[]}]}}"#,
    r#"{"result":{"header":{"revision":"7"},"created":true,"events":[{"kv":{"key":"YS9i"}}]}}"#,
    r#"{"result":{"canceled":true,"compact_revision":"9"}}"#,
];

/// One change of an answer.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(usize, u8),
    Insert(usize, String),
    Remove(usize, usize),
    Repeat(usize, usize),
}

impl Mutation {
    fn apply(&self, answer: &mut Vec<u8>) {
        let end = answer.len();
        let index = |position: usize| if end == 0 { 0 } else { position % end };
        match self {
            Self::Replace(position, byte) if end > 0 => answer[index(*position)] = *byte,
            Self::Replace(..) => {}
            Self::Insert(position, text) => {
                let position = index(*position);
                answer.splice(position..position, text.bytes());
            }
            Self::Remove(position, length) => {
                let start = index(*position);
                answer.drain(start..(start + length).min(end));
            }
            Self::Repeat(position, length) => {
                let start = index(*position);
                let part = answer[start..(start + length).min(end)].to_vec();
                answer.splice(start..start, part);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let tokens = r#"(\{|\}|\[|\]|"|,|:|null|true|-1|1e999|0|""|"key":|"Value":|"nodes":|"\\ud800"|/|=)"#;
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(position, byte)| Mutation::Replace(position, byte)),
        (any::<usize>(), tokens).prop_map(|(position, text)| Mutation::Insert(position, text)),
        (any::<usize>(), 0..20_usize).prop_map(|(position, length)| Mutation::Remove(position, length)),
        (any::<usize>(), 0..40_usize).prop_map(|(position, length)| Mutation::Repeat(position, length)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_answers_cause_no_panic_and_no_wrong_paths(
        answer in 0..ANSWERS.len(),
        mutations in proptest::collection::vec(mutation(), 0..6),
    ) {
        let mut body = ANSWERS[answer].as_bytes().to_vec();
        for mutation in &mutations {
            mutation.apply(&mut body);
        }
        let _ = etcd3::watch::parse(&body);
        let entries = [consul::parse(&body, "a/"), etcd3::parse(&body, "a/").map(|(entries, _)| entries), etcd2::parse(&body, "/a")];
        for (path, _) in entries.into_iter().flatten().flat_map(|entries| entries.values) {
            prop_assert!(!path.is_empty() && !path.ends_with('/'), "{path:?} is no path of a setting");
        }
    }
}
