//! Which connections a new component gets: one for each pair of channels whose payloads match.

use super::topology::{CREATE, create_payload};
use crate::contract::matching::{MatchingFailed, matches};
use crate::json::Json;
use crate::state::MovState;
use crate::state::component::Component;
use crate::state::connection::Endpoint;

/// Publishes a request for each connection. The MOV handles the requests later: when the component is notified of its
/// registration, the connections may not exist yet.
pub(super) fn request_connections(state: &mut MovState, component: &Component) -> Result<(), MatchingFailed> {
    let mut requests = Vec::new();
    for other in state.live_components().filter(|other| other.id != component.id) {
        // As in the real MOV, a failure ends the search among the other components silently.
        if find_pairs(component, other, &mut requests).is_err() {
            break;
        }
    }
    find_pairs_with_itself(component, &mut requests)?;
    for request in requests {
        state.publish(CREATE, &request);
    }
    Ok(())
}

/// Compares the connectable channels of the new component with all channels of another, in both directions.
fn find_pairs(component: &Component, other: &Component, requests: &mut Vec<Json>) -> Result<(), MatchingFailed> {
    for own_channel in component.connectable_channels() {
        for other_channel in &other.channels {
            if let Some(publish) = &own_channel.publish
                && matches(publish, other_channel.subscribe.as_ref())?
            {
                requests.push(request((component, &own_channel.name), (other, &other_channel.name)));
            }
            if let Some(publish) = &other_channel.publish
                && matches(publish, own_channel.subscribe.as_ref())?
            {
                requests.push(request((other, &other_channel.name), (component, &own_channel.name)));
            }
        }
    }
    Ok(())
}

fn find_pairs_with_itself(component: &Component, requests: &mut Vec<Json>) -> Result<(), MatchingFailed> {
    for source in component.connectable_channels() {
        for target in component.connectable_channels() {
            if let Some(publish) = &source.publish
                && matches(publish, target.subscribe.as_ref())?
            {
                requests.push(request((component, &source.name), (component, &target.name)));
            }
        }
    }
    Ok(())
}

/// Connections between components of the same type, and of a component with itself, are created disabled.
fn request(source: (&Component, &str), target: (&Component, &str)) -> Json {
    let endpoint = |(component, channel): (&Component, &str)| Endpoint::new(&component.id, channel);
    create_payload(&endpoint(source), &endpoint(target), source.0.kind != target.0.kind)
}
