//! Parses the `asyncapi_yaml` of a component as the MOV does: it ignores much that is wrong, but a single payload schema that it
//! does not understand makes the whole registration fail.

mod limits;
mod payload;
mod yaml;

use yaml_rust2::{Yaml, YamlLoader};

use self::payload::PayloadParser;
use self::yaml::{map, resolve_merge_keys, resolve_reference, string};
use super::schema::Schema;

/// What the MOV keeps of the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) description: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) channels: Vec<Channel>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) subscribe: Option<Schema>,
    pub(crate) publish: Option<Schema>,
}

/// Why the MOV's parser throws. The MOV does not report this, the simulator does.
type ParseError = String;

pub(crate) fn parse(text: &str) -> Result<Document, ParseError> {
    limits::check(text)?;
    let documents = YamlLoader::load_from_str(text).map_err(|error| format!("not YAML: {error}"))?;
    let [root] = documents.as_slice() else { return Err("not exactly one YAML document".to_owned()) };
    let root = &resolve_merge_keys(root);
    let channels = map(root, "channels").ok_or("no `channels` map")?;
    Ok(Document {
        description: string(&root["info"], "description"),
        api_version: string(&root["info"], "version"),
        channels: channels
            .iter()
            .map(|(name, channel)| parse_channel(name, channel, root))
            .collect::<Result<_, _>>()?,
    })
}

fn parse_channel(name: &Yaml, channel: &Yaml, root: &Yaml) -> Result<Channel, ParseError> {
    let name = name.as_str().ok_or_else(|| format!("a channel whose name is not a string: {name:?}"))?;
    if !matches!(channel, Yaml::Hash(_) | Yaml::Null) {
        return Err(format!("channel {name} is not a map"));
    }
    let parse_operation = |operation: &str| {
        parse_message(&channel[operation]["message"], root)
            .map_err(|error| format!("channel {name}, {operation}: {error}"))
    };
    Ok(Channel {
        name: name.to_owned(),
        description: string(channel, "description"),
        subscribe: parse_operation("subscribe")?,
        publish: parse_operation("publish")?,
    })
}

/// A message is inline or behind one reference. Behind two references, or as a list of alternatives, it has no schema.
fn parse_message(message: &Yaml, root: &Yaml) -> Result<Option<Schema>, ParseError> {
    let message = resolve_reference(message, root)?.unwrap_or(message);
    map(message, "payload").map(|_| PayloadParser::new(root).parse(&message["payload"])).transpose()
}
