//! Builds the tree from the events of the YAML parser.
//!
//! It pulls the events one by one: the parser's own loader recurses, and overflows the stack in deep documents.

use std::collections::HashMap;
use std::rc::Rc;

use yaml_rust2::Event;
use yaml_rust2::parser::{Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

use super::limits::{MAX_ALIASES, MAX_CHARACTERS, MAX_DEPTH, MAX_MERGED, find_forbidden};
use super::{Entry, Map, Node, Value, scalar};
use crate::asyncapi::finding::{Finding, Findings, quote};

/// The root of the only document in `text`. A document that the MOV cannot read is an error.
pub(in crate::asyncapi) fn load(text: &str, findings: &mut Findings) -> Option<Rc<Node>> {
    match try_load(text, findings) {
        Ok(root) => Some(root),
        Err(Finding { line, text }) => {
            findings.error(line, format!("{text}; otherwise the MOV refuses the component"));
            None
        }
    }
}

fn try_load(text: &str, findings: &mut Findings) -> Result<Rc<Node>, Finding> {
    if text.chars().count() > MAX_CHARACTERS {
        return Err(at(1, format!("the file has more than {MAX_CHARACTERS} characters; shorten it")));
    }
    if let Some((line, character)) = find_forbidden(text) {
        return Err(at(line, format!("the character {character:?} is not allowed in YAML; remove it")));
    }
    // The parser can be beyond the last line.
    let last_line = text.lines().count().max(1);
    let line_of = |marker: &Marker| marker.line().min(last_line);
    let mut parser = Parser::new_from_str(text);
    let mut loader = Loader { findings, open: Vec::new(), anchors: HashMap::new(), aliases: 0, merged: 0, root: None };
    loop {
        let (event, mark) = parser.next_token().map_err(|error| not_yaml(&error, line_of(error.marker())))?;
        if event == Event::StreamEnd {
            return loader.root.ok_or_else(|| at(1, "the file is empty; it needs `channels:`"));
        }
        loader.add(event, line_of(&mark))?;
    }
}

struct Loader<'f> {
    findings: &'f mut Findings,
    /// The lists and maps that have begun, the innermost last.
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    aliases: usize,
    merged: usize,
    root: Option<Rc<Node>>,
}

struct Open {
    line: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Rc<Node>>),
    Map { map: Map, key: Option<Key> },
}

struct Key {
    node: Rc<Node>,
    is_merge: bool,
}

impl Loader<'_> {
    fn add(&mut self, event: Event, line: usize) -> Result<(), Finding> {
        match event {
            Event::DocumentStart if self.root.is_some() => {
                Err(at(line, "a second YAML document begins here; keep one"))
            }
            Event::SequenceStart(anchor, tag) => self.begin(line, anchor, tag.as_ref(), Content::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                self.begin(line, anchor, tag.as_ref(), Content::Map { map: Map::default(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Scalar(text, style, anchor, tag) => {
                let is_merge = text == "<<" && style == TScalarStyle::Plain && tag.is_none();
                let value = scalar::resolve(text, style, tag.as_ref()).ok_or_else(|| unknown_tag(line))?;
                self.complete(Rc::new(Node { line, value }), anchor, is_merge)
            }
            Event::Alias(anchor) => {
                let node = self.alias(anchor, line)?;
                self.complete(node, 0, false)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, tag: Option<&Tag>, content: Content) -> Result<(), Finding> {
        if !scalar::is_collection_tag(tag) {
            return Err(unknown_tag(line));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(at(line, format!("more than {MAX_DEPTH} lists and maps are nested; nest less, or use `$ref`")));
        }
        self.open.push(Open { line, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Finding> {
        let Some(Open { line, anchor, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::List(items) => Value::List(items),
            Content::Map { map, .. } => Value::Map(map),
        };
        self.complete(Rc::new(Node { line, value }), anchor, false)
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<Rc<Node>, Finding> {
        let node = self.anchors.get(&anchor).ok_or_else(|| at(line, "an alias within its own anchor; use `$ref`"))?;
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            self.aliases += 1;
            if self.aliases > MAX_ALIASES {
                return Err(at(line, format!("more than {MAX_ALIASES} aliases of lists and maps; use `$ref`")));
            }
        }
        Ok(Rc::clone(node))
    }

    /// Adds a complete node to the list or map around it.
    fn complete(&mut self, node: Rc<Node>, anchor: usize, is_merge: bool) -> Result<(), Finding> {
        // 0 stands for no anchor.
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { map, key }) => match key.take() {
                None => *key = Some(Key { node, is_merge }),
                Some(Key { node: key, is_merge: true }) => {
                    let line = key.line;
                    let merged = map.merge(&node).ok_or_else(|| at(line, "`<<` merges maps only; use `*anchor`"))?;
                    self.merged += merged;
                    if self.merged > MAX_MERGED {
                        return Err(at(line, format!("`<<` copies more than {MAX_MERGED} entries; use `$ref`")));
                    }
                }
                Some(Key { node: key, .. }) => {
                    warn_of_duplicate(self.findings, map, &key);
                    map.insert(Entry { line: key.line, key, value: node, is_merged: false });
                }
            },
        }
        Ok(())
    }
}

fn warn_of_duplicate(findings: &mut Findings, map: &Map, key: &Node) {
    if let Some(name) = key.as_text()
        && let Some(first) = map.entry(name).filter(|first| !first.is_merged)
    {
        let text = format!("{} is also in line {}; the MOV uses the last one: keep one", quote(name), first.line);
        findings.warning(key.line, text);
    }
}

fn not_yaml(error: &ScanError, line: usize) -> Finding {
    at(line, format!("not valid YAML: {}; correct it", error.info()))
}

fn unknown_tag(line: usize) -> Finding {
    at(line, "a tag that the MOV does not know; remove it")
}

fn at(line: usize, text: impl Into<String>) -> Finding {
    Finding { line, text: text.into() }
}
