//! `valawai/component/query` and `valawai/topology/query`: answered with pages, in queues that all components share.

use std::cmp::Reverse;

use super::Rejection;
use crate::contract::fields::{Fields, InvalidField};
use crate::contract::order::{is_component_order, is_connection_order};
use crate::contract::pattern::Pattern;
use crate::contract::schema::TypeMember;
use crate::json::{Json, ObjectBuilder};
use crate::state::MovState;
use crate::state::component::{Component, sort_components};
use crate::state::connection::Connection;

pub(super) const COMPONENTS: &str = "valawai/component/query";
pub(super) const CONNECTIONS: &str = "valawai/topology/query";

/// A default that fails the check of the minimum: the MOV rejects component queries without a limit.
const NO_LIMIT: usize = 0;

pub(super) fn components(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    state.counts.component_queries += 1;
    let invalid = Rejection::invalid("query components");
    let query = Query::from_payload(payload, NO_LIMIT, is_component_order).map_err(&invalid)?;
    let (name, kind) = (pattern(payload, "pattern"), pattern(payload, "type"));
    let (name, kind) = (name.map_err(&invalid)?, kind.map_err(&invalid)?);
    let is_selected = |component: &&Component| {
        kind.matches(component.kind)
            && (name.matches(&component.name) || name.matches_any(component.description.as_deref()))
    };
    let mut found: Vec<&Component> = state.live_components().filter(is_selected).collect();
    sort_components(&mut found, query.order.as_deref().unwrap_or_default());
    let items = found.iter().map(|component| component.to_payload(TypeMember::Twice));
    let page = query.page("components", found.len(), items);
    answer(state, "valawai/component/page", &query, &page);
    Ok(())
}

pub(super) fn connections(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let invalid = Rejection::invalid("query connections");
    let query = Query::from_payload(payload, 20, is_connection_order).map_err(&invalid)?;
    let source_channel = pattern(payload, "source_channel_name").map_err(&invalid)?;
    let source_id = pattern(payload, "source_component_id").map_err(&invalid)?;
    let target_channel = pattern(payload, "target_channel_name").map_err(&invalid)?;
    let target_id = pattern(payload, "target_component_id").map_err(&invalid)?;
    let is_selected = |connection: &&Connection| {
        source_channel.matches(&connection.source.channel)
            && source_id.matches(connection.source.component.as_str())
            && target_channel.matches(&connection.target.channel)
            && target_id.matches(connection.target.component.as_str())
    };
    // As in the real MOV, this includes deleted connections, and nothing marks them.
    let mut found: Vec<&Connection> = state.connections.iter().filter(is_selected).collect();
    found.sort_by_key(|connection| Reverse(connection.updated));
    let page = query.page("connections", found.len(), found.iter().map(|connection| connection.to_payload()));
    answer(state, "valawai/topology/page", &query, &page);
    Ok(())
}

fn pattern(payload: &Json, field: &'static str) -> Result<Pattern, InvalidField> {
    Ok(Pattern::new(Fields(payload).text(field)?.as_deref()))
}

/// What both queries have in common.
struct Query {
    id: Option<String>,
    order: Option<String>,
    offset: usize,
    limit: usize,
}

impl Query {
    fn from_payload(payload: &Json, default_limit: usize, is_order: fn(&str) -> bool) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        let query = Self {
            id: fields.text("id")?,
            order: fields.text("order")?,
            offset: fields.integer("offset", 0, 0)?,
            limit: fields.integer("limit", default_limit, 1)?,
        };
        match &query.order {
            Some(order) if !is_order(order) => Err(InvalidField::new("order", "must be names of fields with + or -")),
            _ => Ok(query),
        }
    }

    fn page(&self, name: &str, total: usize, items: impl Iterator<Item = Json>) -> Json {
        ObjectBuilder::new()
            .number("total", total)
            .array(name, items.skip(self.offset).take(self.limit))
            .optional_string("query_id", self.id.as_deref())
            .build()
    }
}

/// The MOV does not declare the queues of pages: if no component has done so, the page is lost.
fn answer(state: &mut MovState, queue: &'static str, query: &Query, page: &Json) {
    let id = query.id.as_deref().unwrap_or("null");
    state.logs.add_own_and_print("INFO", format!("Found the page for the query {id}."), Some(page));
    state.publish_page(queue, page);
}
