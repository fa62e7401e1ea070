//! What the MOV reads but does not use as it is meant.

mod info;
mod own_connections;
mod published;
pub(super) mod registered;
mod sent_message;

use super::channels::ParsedChannel;
use super::finding::Findings;
use super::yaml::Node;

pub(super) fn check(root: &Node, channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    info::check(root, findings);
    registered::check(channels, findings);
    sent_message::check(channels, findings);
    published::check(channels, findings);
    own_connections::check(channels, findings);
}
