//! Talks to running processes, through the exchange that each of them listens to.

use std::time::{Duration, Instant};

use super::exit::Stop;
use super::invocation::Invocation;
use super::time::parse_duration;
use crate::broker::amqp::operator::{MessageProperties, Operator, Outcome, Publication, RequestChannel, Requests};
use crate::broker::{Error, SERVICE_EXCHANGE};
use crate::ids::Ids;
use crate::service::protocol::{Answer, Request};

/// How long a request may take to reach the broker.
const PUBLISH_LIMIT: Duration = Duration::from_secs(10);

/// Which processes a command is for.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Address {
    /// A component, as in `c1_echo`, or `all`; by default the component that the command is for
    // Not called `component`: that is the option of all commands.
    #[arg(value_name = "COMPONENT")]
    addressed: Option<String>,
    /// One process of the component, as `ping` prints it
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
}

/// How long to wait for answers.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Waiting {
    /// How long to wait for answers
    #[arg(long, global = true, default_value = "2s", value_name = "TIME", value_parser = parse_duration)]
    pub(super) timeout: Duration,
    /// Do not wait for more answers than this
    #[arg(long, global = true, value_name = "N")]
    pub(super) count: Option<usize>,
}

/// The processes that a request is for.
#[derive(Debug, Clone)]
pub(super) struct Receivers {
    /// `None` stands for all.
    component: Option<String>,
    instance: Option<String>,
}

impl Address {
    pub(super) fn receivers(&self, invocation: &Invocation) -> Result<Receivers, Stop> {
        Receivers::named(invocation, self.addressed.as_deref(), self.instance.clone())
    }
}

impl Receivers {
    /// The processes of the named components; by default those of the component that the command is for.
    pub(super) fn of_components(invocation: &Invocation, components: &[String]) -> Result<Vec<Self>, Stop> {
        if components.is_empty() {
            return Ok(vec![Self::named(invocation, None, None)?]);
        }
        components.iter().map(|name| Self::named(invocation, Some(name), None)).collect()
    }

    fn named(invocation: &Invocation, name: Option<&str>, instance: Option<String>) -> Result<Self, Stop> {
        let component = match name {
            Some("all") => None,
            Some(name) => Some(name.to_owned()),
            None => invocation.target().ok().map(|target| target.name.clone()),
        };
        Self::new(component, instance)
    }

    /// The processes of `component`, of all if it is `None`, or one of them.
    pub(super) fn new(component: Option<String>, instance: Option<String>) -> Result<Self, Stop> {
        // They become parts of a key, in which other characters have a meaning.
        if let Some(name) = component.as_deref().filter(|name| !is_word(name)) {
            return Err(Stop::usage(format!("`{name}` is not the name of a component, as in c1_echo")));
        }
        match &instance {
            Some(id) if !is_word(id) => Err(Stop::usage("--instance: expected an identifier that `ping` printed")),
            Some(_) if component.is_none() => Err(Stop::usage("--instance: name the component as well")),
            _ => Ok(Self { component, instance }),
        }
    }

    /// Whether processes of this component are among them.
    pub(super) fn include(&self, component: &str) -> bool {
        self.component.as_deref().is_none_or(|name| name == component)
    }

    fn key(&self, verb: &str) -> String {
        let parts = [Some(verb), self.component.as_deref(), self.instance.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(".")
    }

    /// The processes, for people.
    pub(super) fn text(&self) -> String {
        match (&self.component, &self.instance) {
            (None, _) => "any component".to_owned(),
            (Some(component), None) => component.clone(),
            (Some(component), Some(instance)) => format!("{component} {instance}"),
        }
    }

    /// Nobody answers, and what that may mean.
    pub(super) fn nobody_answers(&self) -> Stop {
        Stop::no(format!(
            "no process of {} answers: none is running, or SERVICE_CONTROL=0, or its user may not declare valawai.service: its log says so",
            self.text()
        ))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Asks processes, and receives their answers.
pub(super) struct Instances<'c> {
    invocation: &'c Invocation,
    requests: Requests<'c>,
    ids: Ids,
}

/// What was received.
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// The answer as it came, for `--json`.
    pub(super) json: serde_json::Value,
    pub(super) correlation_id: Option<String>,
    /// How long it took.
    pub(super) after: Duration,
}

impl<'c> Instances<'c> {
    pub(super) fn new(invocation: &'c Invocation, channel: &'c RequestChannel<'c>) -> Result<Self, Stop> {
        Ok(Self { invocation, requests: Requests::new(channel)?, ids: Ids::new() })
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.invocation.is_interrupted()
    }

    /// Publishes a request. Returns its correlation, or `None` if nobody can have received it.
    pub(super) fn ask(&mut self, request: &Request, receivers: &Receivers) -> Result<Option<String>, Stop> {
        let body = serde_json::to_vec(request).map_err(|error| Stop::no(error.to_string()))?;
        let correlation_id = self.ids.next();
        let properties = MessageProperties::default().with_correlation_id(&correlation_id);
        let key = receivers.key(request.verb());
        let publication = Publication { exchange: SERVICE_EXCHANGE, key: &key, properties: &properties, body: &body };
        match self.requests.publish(publication, &self.invocation.shutdown, PUBLISH_LIMIT) {
            Ok(Some(Outcome::Routed)) => Ok(Some(correlation_id)),
            Ok(Some(Outcome::Unroutable)) => Ok(None),
            // No process has declared it yet.
            Err(Error::Denied { reason, .. }) if reason.contains("no exchange") => Ok(None),
            Ok(Some(Outcome::Nacked)) => Err(Stop::no("the broker rejected the request")),
            Ok(None) if self.invocation.is_interrupted() => Ok(None),
            Ok(None) => Err(Stop::timed_out("the broker did not confirm the request in time")),
            Err(error) => Err(error.into()),
        }
    }

    /// The next answer, or `None` if there is none until `deadline`. What is no answer is skipped.
    pub(super) fn next(&mut self, deadline: Instant) -> Result<Option<Reply>, Stop> {
        loop {
            let limit = deadline.saturating_duration_since(Instant::now());
            let Some(received) = self.requests.receive(&self.invocation.shutdown, limit)? else { return Ok(None) };
            let Ok(json) = serde_json::from_slice::<serde_json::Value>(&received.body) else { continue };
            let Ok(answer) = serde_json::from_value(json.clone()) else { continue };
            let correlation_id = received.properties.correlation_id().map(str::to_owned);
            return Ok(Some(Reply { answer, json, correlation_id, after: Duration::ZERO }));
        }
    }

    /// The answers to one request, in the order of the instances.
    pub(super) fn answers(
        &mut self,
        request: &Request,
        receivers: &Receivers,
        waiting: &Waiting,
    ) -> Result<Vec<Reply>, Stop> {
        let began = Instant::now();
        let Some(correlation_id) = self.ask(request, receivers)? else { return Ok(Vec::new()) };
        let deadline = began + waiting.timeout;
        let mut answers = Vec::new();
        while waiting.count.is_none_or(|count| answers.len() < count)
            && let Some(reply) = self.next(deadline)?
        {
            if reply.correlation_id.as_ref() == Some(&correlation_id) {
                answers.push(Reply { after: began.elapsed(), ..reply });
            }
        }
        answers
            .sort_by(|a, b| (&a.answer.component, &a.answer.instance).cmp(&(&b.answer.component, &b.answer.instance)));
        Ok(answers)
    }
}

/// Asks once, and returns the answers. It is an error if there are none.
pub(super) fn ask_once(
    invocation: &Invocation,
    operator: &Operator,
    request: &Request,
    receivers: &Receivers,
    waiting: &Waiting,
) -> Result<Vec<Reply>, Stop> {
    let channel = operator.open_for_requests()?;
    let answers = Instances::new(invocation, &channel)?.answers(request, receivers, waiting)?;
    if answers.is_empty() && !invocation.is_interrupted() {
        return Err(receivers.nobody_answers());
    }
    Ok(answers)
}
