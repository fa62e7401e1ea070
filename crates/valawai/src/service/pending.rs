//! Orders whose answers take a while: they are carried out on threads of their own, so that the service goes on answering.

use std::thread;

use crossbeam_channel::Receiver;

use super::protocol::Content;

/// How many may be carried out at a time.
const MOST: usize = 4;

/// The orders that are being carried out.
#[derive(Default)]
pub(super) struct Pending(Vec<Order>);

struct Order {
    answer: Receiver<Content>,
    to: String,
    correlation_id: Option<String>,
}

/// An answer, and to whom it goes.
pub(super) struct Answered {
    pub(super) to: String,
    pub(super) correlation_id: Option<String>,
    pub(super) content: Content,
}

impl Pending {
    /// Carries out an order. Returns a refusal if there are too many.
    pub(super) fn start(
        &mut self,
        (to, correlation_id): (&str, Option<&String>),
        order: impl FnOnce() -> Content + Send + 'static,
    ) -> Option<Content> {
        if self.0.len() >= MOST {
            return Some(Content::Refused { reason: "too many orders of this kind are being carried out".to_owned() });
        }
        let (sender, answer) = crossbeam_channel::bounded(1);
        let work = move || {
            // Nobody waits for it after the end of the session.
            let _ = sender.send(order());
        };
        if let Err(error) = thread::Builder::new().name("order".into()).spawn(work) {
            return Some(Content::Refused { reason: format!("the system cannot start a thread: {error}") });
        }
        self.0.push(Order { answer, to: to.to_owned(), correlation_id: correlation_id.cloned() });
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The orders that have been carried out since the last call.
    pub(super) fn take_answered(&mut self) -> Vec<Answered> {
        let mut answered = Vec::new();
        self.0.retain(|Order { answer, to, correlation_id }| {
            let content = match answer.try_recv() {
                Ok(content) => content,
                Err(crossbeam_channel::TryRecvError::Empty) => return true,
                Err(crossbeam_channel::TryRecvError::Disconnected) => {
                    Content::Refused { reason: "the order failed; its log says why".to_owned() }
                }
            };
            answered.push(Answered { to: to.clone(), correlation_id: correlation_id.clone(), content });
            false
        });
        answered
    }
}
