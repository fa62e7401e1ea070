//! Requests of the MOV to change the topology.

use serde::Serialize;

use super::Context;
use super::context::Sent;
use crate::message::Reply;
use crate::mov::payloads::{self, Action, ChangeNotification, ChangeTopology, CreateConnection, Endpoint};
use crate::name::Id;

/// Requests of the Master Of VALAWAI to change the topology: which channels are connected, and which of the connections
/// a C2 component observes.
///
/// A request is published if the handler succeeds, and the message is acknowledged when the broker has confirmed it. The
/// MOV does not answer: its log tells what became of a request.
///
/// ```
/// use serde::Deserialize;
/// use valawai::{Context, Failure, SentMessage, TestContext};
///
/// #[derive(Deserialize)]
/// struct Treatment { dose: f64 }
///
/// fn disable_overdoses(sent: SentMessage<Treatment>, context: &Context) -> Result<(), Failure> {
///     if sent.message_payload.dose > 10.0 {
///         context.mov().disable(&sent.connection_id);
///     }
///     Ok(())
/// }
///
/// let context = TestContext::new(
///     r#"{"connection_id": "65a0b1c2d3e4f5061728394a", "message_payload": {"dose": 12}, "timestamp": 1763680000}"#,
/// );
/// disable_overdoses(context.message().read().unwrap(), &context).unwrap();
/// let (queue, request) = &context.requested()[0];
/// assert_eq!(*queue, "valawai/topology/change");
/// assert_eq!(request["action"], "DISABLE");
/// ```
///
/// The other requests:
///
/// ```
/// # let context = valawai::TestContext::default();
/// # let [connection, camera, robot, watch]: [valawai::Id; 4] =
/// #     [1, 2, 3, 4].map(|number| format!("{number:024x}").parse().unwrap());
/// let mov = context.mov();
/// mov.enable(&connection);
/// mov.remove(&connection);
/// mov.connect((&camera, "valawai/c0/camera/data/frame"), (&robot, "valawai/c0/robot/data/view"), true);
/// let observer = (&watch, "valawai/c2/watch/control/sent_frame");
/// mov.enable_notification(&connection, observer);
/// mov.disable_notification(&connection, observer);
/// assert_eq!(context.requested().len(), 5);
/// ```
#[derive(Debug)]
pub struct Mov<'c> {
    context: &'c Context,
}

impl<'c> Mov<'c> {
    pub(super) fn new(context: &'c Context) -> Self {
        Self { context }
    }

    /// Requests to enable a connection: the MOV forwards the messages of its source to its target. See the examples of [`Mov`],
    /// as for the other requests.
    pub fn enable(&self, connection: &Id) {
        self.change(Action::Enable, connection);
    }

    /// Requests to disable a connection: the MOV forwards nothing from its source to its target.
    pub fn disable(&self, connection: &Id) {
        self.change(Action::Disable, connection);
    }

    /// Requests to remove a connection.
    pub fn remove(&self, connection: &Id) {
        self.change(Action::Remove, connection);
    }

    /// Requests to connect a channel on which a component publishes with one that another component consumes; both by the
    /// identifiers of the components and the full names of the channels.
    pub fn connect(&self, source: (&Id, &str), target: (&Id, &str), enabled: bool) {
        let body = CreateConnection { source: Endpoint::new(source), target: Endpoint::new(target), enabled };
        self.request(payloads::TOPOLOGY_CREATE, &body);
    }

    /// Requests to send the messages of a connection to the channel of a C2 component as well, by the identifier of the
    /// component and the full name of the channel.
    pub fn enable_notification(&self, connection: &Id, target: (&Id, &str)) {
        self.change_notification(Action::Enable, connection, target);
    }

    /// Requests to send the messages of a connection no longer to the channel of a C2 component.
    pub fn disable_notification(&self, connection: &Id, target: (&Id, &str)) {
        self.change_notification(Action::Disable, connection, target);
    }

    fn change(&self, action: Action, connection: &Id) {
        self.request(payloads::TOPOLOGY_CHANGE, &ChangeTopology { action, connection_id: connection });
    }

    fn change_notification(&self, action: Action, connection: &Id, target: (&Id, &str)) {
        let body = ChangeNotification { action, connection_id: connection, target: Endpoint::new(target) };
        self.request(payloads::NOTIFICATION_CHANGE, &body);
    }

    fn request(&self, queue: &'static str, body: &impl Serialize) {
        let reply = Reply::json(body).expect("structs of strings are valid payloads");
        self.context.add_sent(Sent { to: queue, queue: queue.into(), reply });
    }
}
