//! Three nodes that are one broker.

use std::sync::Arc;

use super::{Node, files};

/// Nodes at 127.0.0.1, .2 and .3, on the same port.
pub struct Cluster {
    nodes: [Node; 3],
}

impl Cluster {
    /// Starts one with no data; it takes half a minute.
    pub fn start() -> Self {
        let first = Node::start();
        let companions = [2, 3].map(|number| first.start_companion(number));
        for companion in &companions {
            companion.join(&first);
        }
        let [second, third] = companions;
        Self { nodes: [first, second, third] }
    }

    /// One of the nodes 1 to 3.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number - 1]
    }
}

impl Node {
    /// Starts another node beside this one: in reach of it, and not yet in one cluster with it.
    fn start_companion(&self, number: u8) -> Self {
        let ports = self.ports.of_companion(number);
        Self::try_start(&self.installation, ports, Arc::clone(&self.epmd))
            .unwrap_or_else(|story| panic!("RabbitMQ did not start beside another node:\n{story}"))
    }

    /// Gives up what this node has, and becomes one broker with `other`.
    fn join(&self, other: &Node) {
        self.ctl(&["stop_app"]);
        self.ctl(&["reset"]);
        self.ctl(&["join_cluster", &files::node_name(other.ports)]);
        self.ctl(&["start_app"]);
    }
}
