//! Queries by the MOV's queues.
//!
//! The answers to all queries are in one queue. Those of others are put back at once, so that they find them.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::broker::OwnQueue;
use crate::broker::amqp::operator::{Operator, OperatorLink, Received};
use crate::clock;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::ids::Ids;

/// How often the queue of answers is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How many answers are looked at.
const MAX_BROWSED: usize = 200;

/// After these seconds, nobody waits for the answer to a command's query any more.
const LONGEST_WAIT: u64 = 600;

/// The start of the identifiers of commands' queries. The time when they were made follows.
const OWN: &str = "operator-";

/// The connection to the MOV's queues, opened when it is needed.
pub(super) struct Queues<'i> {
    invocation: &'i Invocation,
    operator: OnceCell<Operator>,
    pub(super) timeout: Duration,
    ids: Ids,
}

impl<'i> Queues<'i> {
    pub(super) fn new(invocation: &'i Invocation, timeout: Duration) -> Self {
        Self { invocation, operator: OnceCell::new(), timeout, ids: Ids::new() }
    }

    pub(super) fn operator(&self) -> Result<&Operator, Stop> {
        if let Some(operator) = self.operator.get() {
            return Ok(operator);
        }
        let operator = self.invocation.connect()?;
        Ok(self.operator.get_or_init(|| operator))
    }

    /// Fails if the MOV does not consume `queue`: what is sent to it would be done whenever it starts.
    pub(super) fn require_mov(&self, queue: &str) -> Result<(), Stop> {
        match self.operator()?.inspect(queue)? {
            None => Err(Stop::no(format!("the queue {queue} does not exist: the MOV never ran on this broker"))),
            Some(state) if state.consumers == 0 => {
                Err(Stop::no(format!("nobody consumes the queue {queue}: the MOV is down, or has lost its broker")))
            }
            Some(_) => Ok(()),
        }
    }

    /// All items of the answers to a query for `list`, which is published to `queue`.
    pub(super) fn query_all(
        &self,
        queue: &str,
        answers: &str,
        list: &str,
        query: &Map<String, Value>,
    ) -> Result<Vec<Value>, Stop> {
        super::view::all_pages(list, |offset, limit| {
            let mut query = query.clone();
            query.extend([("offset".to_owned(), offset.into()), ("limit".to_owned(), limit.into())]);
            self.query(queue, answers, query)
        })
    }

    fn query(&self, queue: &str, answers: &str, mut query: Map<String, Value>) -> Result<Value, Stop> {
        self.require_mov(queue)?;
        let operator = self.operator()?;
        operator.declare(answers, &OwnQueue::default())?;
        let id = format!("{OWN}{}-{}", clock::seconds(), self.ids.next());
        query.insert("id".to_owned(), id.as_str().into());
        super::request::send(self.invocation, operator, queue, &Value::Object(query))?;
        let deadline = Instant::now() + self.timeout;
        let channels = operator.open()?;
        let mut link = OperatorLink::new(&channels)?;
        while Instant::now() < deadline && !self.invocation.is_interrupted() {
            if let Some(answer) = take_answer(&mut link, answers, &id)? {
                return Ok(answer);
            }
            self.invocation.pause(POLL_INTERVAL);
        }
        if self.invocation.is_interrupted() {
            return Err(Stop::new(Exit::Interrupted, "stopped to wait for the MOV's answer"));
        }
        let seconds = self.timeout.as_secs_f64();
        Err(Stop::timed_out(format!("the MOV has not answered within {seconds} s; it may be busy or frozen")))
    }
}

/// Takes the answer to the query `id`, and answers that nobody waits for any more. Puts all others back.
fn take_answer(link: &mut OperatorLink<'_>, queue: &str, id: &str) -> Result<Option<Value>, Stop> {
    let mut answer = None;
    let mut others = Vec::new();
    for _ in 0..MAX_BROWSED {
        let Some(Received { tag, body, .. }) = link.get(queue)? else { break };
        let page: Value = serde_json::from_slice(&body).unwrap_or_default();
        match page.get("query_id").and_then(Value::as_str) {
            Some(found) if found == id => {
                link.acknowledge(tag)?;
                answer = Some(page);
            }
            Some(found) if is_stale(found) => link.acknowledge(tag)?,
            _ => others.push(tag),
        }
    }
    others.into_iter().rev().try_for_each(|tag| link.requeue(tag))?;
    Ok(answer)
}

fn is_stale(id: &str) -> bool {
    let time = id.strip_prefix(OWN).and_then(|rest| rest.split('-').next()?.parse::<u64>().ok());
    time.is_some_and(|time| clock::seconds() > time + LONGEST_WAIT)
}
