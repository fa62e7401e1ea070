//! Outputs that the MOV would connect with inputs of the same component.

use super::registered::FIELDS;
use crate::asyncapi::REGISTERED;
use crate::asyncapi::channels::{MessageSchema, ParsedChannel};
use crate::asyncapi::finding::Findings;
use crate::asyncapi::matching::{MAX_STEPS, matches};

pub(super) fn check(channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    let mut steps = MAX_STEPS;
    for source in channels {
        let Some(publish) = source.publish.as_ref().and_then(|operation| operation.message.as_ref()) else { continue };
        for target in channels {
            if steps == 0 {
                return;
            }
            // The time of a pair that needs no comparison counts, too.
            steps -= 1;
            let Some(subscribe) = subscribed(target) else { continue };
            if matches(&publish.schema, &subscribe.schema, &mut steps) {
                let text = format!(
                    "what `{}` publishes matches what `{}` subscribes to (line {}): the MOV connects the component \
                     with itself, disabled; and two components with such payloads with each other, so that their messages \
                     circulate. Name a field of one of them differently, unless this is meant",
                    source.name.short(),
                    target.name.short(),
                    subscribe.line(),
                );
                findings.warning(publish.line(), text);
            }
        }
    }
}

/// The channel of the notices is no target of the component's own messages.
fn subscribed<'c>(channel: &'c ParsedChannel<'_>) -> Option<&'c MessageSchema<'c>> {
    let message = channel.subscribe.as_ref()?.message.as_ref()?;
    let is_registered = channel.name.short() == REGISTERED
        && message.schema.as_object().is_some_and(|object| object.missing(&FIELDS).is_none());
    (!is_registered).then_some(message)
}
