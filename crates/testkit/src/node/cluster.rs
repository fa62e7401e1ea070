//! A cluster of three nodes.

use std::sync::Arc;

use super::{Node, TlsListener, directory, start_with_retries};

/// Nodes at 127.0.0.1, 127.0.0.2 and 127.0.0.3, on the same port.
pub struct Cluster {
    nodes: [Node; 3],
}

impl Cluster {
    /// Starts a cluster without data, which takes about half a minute.
    pub fn start() -> Self {
        let first = Node::start();
        let members = [2, 3].map(|number| first.start_member(number));
        for member in &members {
            member.join(&first);
        }
        let [second, third] = members;
        Self { nodes: [first, second, third] }
    }

    /// The node with this number, from 1 to 3.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number - 1]
    }
}

impl Node {
    /// Starts another node that can reach this one, but is not in a cluster with it yet.
    fn start_member(&self, number: u8) -> Self {
        let tls = TlsListener::default();
        let ports = || self.ports.of_member(number);
        start_with_retries(|| Self::try_start(&self.installation, ports(), Arc::clone(&self.epmd), &tls))
    }

    /// Resets this node and joins the cluster of `other`.
    fn join(&self, other: &Node) {
        self.rabbitmqctl(&["stop_app"]);
        self.rabbitmqctl(&["reset"]);
        self.rabbitmqctl(&["join_cluster", &directory::node_name(other.ports)]);
        self.rabbitmqctl(&["start_app"]);
    }
}
