//! A component, declared: what it hears, what it says, and the functions in between.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::asyncapi::{self, Contract, Direction};
use crate::handler::{Answer, Hear, Say};
use crate::mov::payloads::Profile;
use crate::name::{ChannelName, Kind};

/// Where the MOV says that the component is registered; the library itself hears it.
const REGISTERED: &str = "control/registered";

/// A component as its author declares it, on top of its `asyncapi.yaml`.
///
/// ```no_run
/// # use valawai::{Component, Context, Failure, Heard, Said};
/// # fn say_back(heard: &Heard<'_>, _: &Context<'_>) -> Result<Said, Failure> { Said::json(heard) }
/// # const ASYNCAPI: &str = "";
/// Component::new("1.0.0", ASYNCAPI)
///     .on("data/received_message")
///     .answer("data/publish_message", say_back);
/// ```
pub struct Component {
    version: &'static str,
    asyncapi: &'static str,
    hears: Vec<Declared>,
    speaks: Vec<Spoken>,
    says: Vec<String>,
}

struct Declared {
    channel: String,
    task: Option<String>,
    action: DeclaredAction,
}

enum DeclaredAction {
    Answer { to: String, handler: Arc<dyn Answer> },
    Then(Arc<dyn Hear>),
}

struct Spoken {
    channel: String,
    period: Duration,
    source: Arc<dyn Say>,
}

impl Component {
    /// A component of `version` (three numbers, as in `1.0.0`) with the contract `asyncapi`, the text of its
    /// `asyncapi.yaml`.
    #[must_use]
    pub fn new(version: &'static str, asyncapi: &'static str) -> Self {
        Self { version, asyncapi, hears: Vec::new(), speaks: Vec::new(), says: Vec::new() }
    }

    /// Begins to say what happens to a message on `channel`, as in `data/received_message`.
    #[must_use]
    pub fn on(self, channel: &str) -> Hearing {
        Hearing { component: self, channel: channel.to_owned(), task: None }
    }

    /// Begins to say what the component says of itself, each time that `period` has passed.
    #[must_use]
    pub fn every(self, period: Duration) -> Saying {
        Saying { component: self, period }
    }

    /// Declares that handlers say something on `channel` with [`Context::send`](crate::Context::send).
    #[must_use]
    pub fn says(mut self, channel: &str) -> Self {
        self.says.push(channel.to_owned());
        self
    }

    /// Holds the declaration and `asyncapi.yaml` together: each channel is there, goes the right way, and has its
    /// handler. A test of one line keeps it true.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn check(&self) -> Result<Plan, Misfits> {
        let contract =
            Contract::parse(self.asyncapi).map_err(|error: asyncapi::Error| Misfits(vec![error.to_string()]))?;
        let mut misfits = self.misfits(&contract);
        if !is_version(self.version) {
            misfits.push(format!("the version `{}` is not three numbers, as in 1.0.0", self.version));
        }
        if misfits.is_empty() { Ok(self.plan(&contract)) } else { Err(Misfits(misfits)) }
    }

    fn misfits(&self, contract: &Contract) -> Vec<String> {
        let heard: Vec<&str> = self.hears.iter().map(|declared| declared.channel.as_str()).collect();
        let said: Vec<&str> = self.said_channels().collect();
        let mut misfits = Vec::new();
        for channel in &heard {
            misfits.extend(check_direction(contract, channel, Direction::Heard));
        }
        for channel in &said {
            misfits.extend(check_direction(contract, channel, Direction::Said));
        }
        for (place, channel) in heard.iter().enumerate() {
            if heard[..place].contains(channel) {
                misfits.push(format!("`{channel}` has two handlers; one message can only go to one"));
            }
        }
        misfits.extend(check_direction(contract, REGISTERED, Direction::Heard));
        for channel in contract.channels().iter().map(|channel| (&channel.name, channel.direction)) {
            let (name, used) = match channel {
                (name, Direction::Heard) => (name, heard.contains(&name.short()) || name.short() == REGISTERED),
                (name, Direction::Said) => (name, said.contains(&name.short())),
            };
            if !used {
                misfits.push(format!("`{}` is in asyncapi.yaml, and nothing in the component uses it", name.short()));
            }
        }
        misfits
    }

    fn said_channels(&self) -> impl Iterator<Item = &str> {
        let answers = self.hears.iter().filter_map(|declared| match &declared.action {
            DeclaredAction::Answer { to, .. } => Some(to.as_str()),
            DeclaredAction::Then(_) => None,
        });
        let spoken = self.speaks.iter().map(|spoken| spoken.channel.as_str());
        answers.chain(spoken).chain(self.says.iter().map(String::as_str))
    }

    fn plan(&self, contract: &Contract) -> Plan {
        let resolve = |short: &str| contract.channel(short).expect("it was checked").name.clone();
        let routes = self.hears.iter().map(|declared| {
            let channel = resolve(&declared.channel);
            let task = declared.task.clone().unwrap_or_else(|| channel.operation().to_owned());
            let action = match &declared.action {
                DeclaredAction::Answer { to, handler } => {
                    Action::Answer { to: resolve(to), handler: Arc::clone(handler) }
                }
                DeclaredAction::Then(handler) => Action::Then(Arc::clone(handler)),
            };
            Route { channel, task, action }
        });
        let sources = self.speaks.iter().map(|spoken| Source {
            channel: resolve(&spoken.channel),
            period: spoken.period,
            source: Arc::clone(&spoken.source),
        });
        Plan {
            profile: Profile {
                name: contract.component_name(),
                level: contract.level(),
                version: self.version,
                asyncapi: self.asyncapi,
            },
            registered: resolve(REGISTERED),
            routes: routes.collect(),
            sources: sources.collect(),
            says: self.said_channels().map(resolve).collect(),
        }
    }
}

/// A component that hears something, and what it does then is still to be said.
pub struct Hearing {
    component: Component,
    channel: String,
    task: Option<String>,
}

impl Hearing {
    /// What the handler does, in a word, for the log: `Cannot process <task>, because …`. Defaults to the last part of
    /// the channel's name.
    #[must_use]
    pub fn task(mut self, task: &str) -> Self {
        self.task = Some(task.to_owned());
        self
    }

    /// What `handler` returns is said on the channel `to`.
    #[must_use]
    pub fn answer(self, to: &str, handler: impl Answer) -> Component {
        self.act(DeclaredAction::Answer { to: to.to_owned(), handler: Arc::new(handler) })
    }

    /// `handler` hears it, and nothing is said to it.
    #[must_use]
    pub fn then(self, handler: impl Hear) -> Component {
        self.act(DeclaredAction::Then(Arc::new(handler)))
    }

    fn act(self, action: DeclaredAction) -> Component {
        let Self { mut component, channel, task } = self;
        component.hears.push(Declared { channel, task, action });
        component
    }
}

/// A component that says something of itself, and what it says is still to be told.
pub struct Saying {
    component: Component,
    period: Duration,
}

impl Saying {
    /// What `source` returns is said on `channel`. The next time begins when the broker has confirmed this one.
    #[must_use]
    pub fn say(self, channel: &str, source: impl Say) -> Component {
        let Self { mut component, period } = self;
        component.speaks.push(Spoken { channel: channel.to_owned(), period, source: Arc::new(source) });
        component
    }
}

/// A component that fits its contract, with every channel's whole name.
#[derive(Clone)]
pub struct Plan {
    pub(crate) profile: Profile,
    pub(crate) registered: ChannelName,
    pub(crate) routes: Vec<Route>,
    pub(crate) sources: Vec<Source>,
    pub(crate) says: Vec<ChannelName>,
}

impl Plan {
    /// The component's name, as the MOV knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.profile.name
    }

    /// The component's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.profile.version
    }

    pub(crate) fn routes_of(&self, kind: Kind) -> Vec<Route> {
        self.routes.iter().filter(|route| route.channel.kind() == kind).cloned().collect()
    }
}

/// From a channel to what happens to its messages.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) channel: ChannelName,
    pub(crate) task: String,
    pub(crate) action: Action,
}

#[derive(Clone)]
pub(crate) enum Action {
    Answer { to: ChannelName, handler: Arc<dyn Answer> },
    Then(Arc<dyn Hear>),
}

/// From the clock to a channel.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) channel: ChannelName,
    pub(crate) period: Duration,
    pub(crate) source: Arc<dyn Say>,
}

/// What does not fit between a component and its `asyncapi.yaml`: a line for each.
#[derive(Debug)]
pub struct Misfits(Vec<String>);

impl fmt::Display for Misfits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the component and its asyncapi.yaml do not fit: ")?;
        formatter.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Misfits {}

fn check_direction(contract: &Contract, channel: &str, wanted: Direction) -> Option<String> {
    let verb = match wanted {
        Direction::Heard => "subscribe",
        Direction::Said => "publish",
    };
    match contract.channel(channel) {
        None => Some(format!("`{channel}` is not a channel of asyncapi.yaml")),
        Some(found) if found.direction != wanted => Some(format!("`{channel}` needs `{verb}` in asyncapi.yaml")),
        Some(_) => None,
    }
}

/// What the MOV takes for a version.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
