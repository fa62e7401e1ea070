//! `valawai/component/query` and `valawai/topology/query`: pages of what the MOV knows, for whoever takes them first.

use super::{Dropped, Json, World};
use crate::component::Component;
use crate::connection::Connection;
use crate::json::Members;
use crate::pattern::{Pattern, is_component_order, is_connection_order, sort_components};
use crate::payload::{Fields, Invalid};
use crate::schema::TypeWritten;

pub(super) fn components(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    world.counts.component_queries += 1;
    let query = Query::read(payload, 0, is_component_order).map_err(Dropped::invalid("query components"))?;
    let fields = Fields(payload);
    let read = || Ok((Pattern::of(fields.text("pattern")?), Pattern::of(fields.text("type")?)));
    let (pattern, kind) = read().map_err(Dropped::invalid("query components"))?;
    let matching = |component: &&Component| {
        kind.fits(component.kind)
            && (pattern.fits(&component.name) || pattern.fits_any(component.description.as_deref()))
    };
    let mut found: Vec<&Component> = world.live().filter(matching).collect();
    sort_components(&mut found, query.order.as_deref().unwrap_or_default());
    let items = found.iter().map(|component| component.to_payload(TypeWritten::Twice));
    let page = query.page("components", found.len(), items);
    answer(world, "valawai/component/page", &query, &page);
    Ok(())
}

pub(super) fn connections(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    let query = Query::read(payload, 20, is_connection_order).map_err(Dropped::invalid("query connections"))?;
    let fields = Fields(payload);
    let text = |name: &str| fields.text(name).map(Pattern::of).map_err(Dropped::invalid("query connections"));
    let (source_channel, source_id) = (text("source_channel_name")?, text("source_component_id")?);
    let (target_channel, target_id) = (text("target_channel_name")?, text("target_component_id")?);
    let matching = |connection: &&Connection| {
        source_channel.fits(&connection.source.channel)
            && source_id.fits(connection.source.component.as_str())
            && target_channel.fits(&connection.target.channel)
            && target_id.fits(connection.target.component.as_str())
    };
    // The deleted ones are among them, and not marked.
    let mut found: Vec<&Connection> = world.connections.iter().filter(matching).collect();
    found.sort_by_key(|connection| std::cmp::Reverse(connection.updated));
    let page = query.page("connections", found.len(), found.iter().map(|connection| connection.to_payload()));
    answer(world, "valawai/topology/page", &query, &page);
    Ok(())
}

struct Query {
    id: Option<String>,
    order: Option<String>,
    offset: usize,
    limit: usize,
}

impl Query {
    /// A default limit of 0 is too little: whoever leaves it out is refused.
    fn read(payload: &Json, default_limit: usize, is_order: fn(&str) -> bool) -> Result<Self, Invalid> {
        let fields = Fields(payload);
        let query = Self {
            id: fields.text("id")?,
            order: fields.text("order")?,
            offset: fields.integer("offset", 0, 0)?,
            limit: fields.integer("limit", default_limit, 1)?,
        };
        match &query.order {
            Some(order) if !is_order(order) => Err("`order` must be names of fields with + or -".to_owned()),
            _ => Ok(query),
        }
    }

    fn page(&self, name: &str, total: usize, items: impl Iterator<Item = Json>) -> Json {
        Members::new()
            .optional("query_id", self.id.as_deref())
            .number("total", total)
            .list(name, items.skip(self.offset).take(self.limit))
            .object()
    }
}

/// The page's queue is nobody's: if no component has declared it, the page is lost.
fn answer(world: &mut World, queue: &'static str, query: &Query, page: &Json) {
    let id = query.id.as_deref().unwrap_or("null");
    world.logs.say("INFO", format!("Found the page for the query {id}."), page);
    world.send_page(queue, page);
}
