//! The channel of the MOV's notices, which the MOV recognizes by its name and eight fields.

use crate::asyncapi::REGISTERED;
use crate::asyncapi::channels::ParsedChannel;
use crate::asyncapi::finding::Findings;

/// Their types do not matter to the MOV, and there may be more.
pub(super) const FIELDS: [&str; 8] =
    ["id", "name", "description", "version", "api_version", "type", "since", "channels"];

/// Whether the MOV sends its notices to one of the channels.
pub(in crate::asyncapi) fn is_notified(channels: &[ParsedChannel<'_>]) -> bool {
    channels.iter().filter(|channel| channel.name.short() == REGISTERED).any(|channel| {
        let message = channel.subscribe.as_ref().and_then(|operation| operation.message.as_ref());
        message.and_then(|message| message.schema.as_object()).is_some_and(|object| object.missing(&FIELDS).is_none())
    })
}

pub(super) fn check(channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    let registered = channels.iter().find(|channel| channel.name.short() == REGISTERED);
    let Some(message) = registered.and_then(|channel| channel.subscribe.as_ref()?.message.as_ref()) else { return };
    let Some(object) = message.schema.as_object() else {
        let text = format!(
            "the payload of `{REGISTERED}` is not an object: the MOV never notifies the component; make it an object with \
             the fields of the notice"
        );
        return findings.error(message.line(), text);
    };
    if let Some(missing) = object.missing(&FIELDS) {
        let text = format!(
            "the payload of `{REGISTERED}` lacks {missing}: the MOV never notifies the component; add what is missing"
        );
        findings.error(message.line(), text);
    }
}
