//! A broker of three nodes loses one in mid-stream: the component finds another, and nothing is lost.

use crate::outages::{all_comes_out, in_mid_stream, report};
use crate::stage::{SOON, Stage};
use crate::support::{Cluster, Vhost};

/// The test talks to the first node, the component to the second as long as it can.
fn stage_at(vhost: Vhost) -> Stage {
    let others_first = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].join(",");
    Stage::at(vhost).env("RABBITMQ_HOST", others_first).env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR")
}

#[test]
fn quorum_queues_lose_the_node_that_the_component_is_connected_to() {
    let cluster = Cluster::start();
    let stage = stage_at(cluster.node(1).quorum_vhost());
    let echo = in_mid_stream(&stage);
    cluster.node(2).kill();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn quorum_queues_lose_their_leader() {
    let cluster = Cluster::start();
    let stage = stage_at(cluster.node(1).quorum_vhost());
    let echo = in_mid_stream(&stage);
    cluster.node(1).kill();
    report(all_comes_out(&echo, &stage.vhost.on("127.0.0.3")));
}

#[test]
fn classic_queues_lose_a_node_that_is_not_theirs() {
    let cluster = Cluster::start();
    let stage = stage_at(cluster.node(1).vhost());
    let echo = in_mid_stream(&stage);
    cluster.node(2).kill();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn classic_queues_wait_for_their_node() {
    let cluster = Cluster::start();
    let stage = stage_at(cluster.node(1).vhost());
    let echo = in_mid_stream(&stage);
    cluster.node(1).kill();
    echo.wait_output("reconnecting", SOON);
    cluster.node(1).start_again();
    report(all_comes_out(&echo, &stage.vhost));
}
