#!/usr/bin/env python3
"""Measures replicas and components on one broker, for docs/scaling.md. Needs pika, and a RabbitMQ in /usr/lib/rabbitmq.

    python3 bench/scaling.py [--program target/release/c1_echo] [--messages 20000] [--rounds 3]

Each measurement fills the input queues, starts the processes, and waits until all replies are in the output queues; nothing else
publishes or consumes meanwhile. A component of its own is the echo in a virtual host of its own. The rounds are interleaved. CPU
times are those of the broker's Erlang VM and of the component's processes, from /proc: they say something on a busy machine as
well, where rates say little.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import pika

QUEUES = "valawai/c1/echo_example_with_rust_and_amiquip/data/"
INPUT, OUTPUT = QUEUES + "received_message", QUEUES + "publish_message"
CONFIGURATIONS = [("replicas", 1), ("replicas", 2), ("replicas", 4), ("components", 1), ("components", 2), ("components", 4)]
BODY = b'{"content": "' + 85 * b"x" + b'"}'
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Node:
    """A RabbitMQ node without data, on loopback addresses and free ports."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="valawai-scaling-")
        self.port, distribution, epmd = free_port(), free_port(), free_port()
        with open(self.folder + "/rabbitmq.conf", "w") as file:
            file.write(f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = mov\ndefault_pass = password\n")
            file.write("disk_free_limit.absolute = 1MB\nlog.console = false\nlog.file = rabbit.log\ncluster_name = scaling\n")
        open(self.folder + "/enabled_plugins", "w").write("[].\n")
        open(self.folder + "/.erlang.cookie", "w").write("SCALING")
        os.chmod(self.folder + "/.erlang.cookie", 0o400)
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        self.environment = dict(
            os.environ, HOME=self.folder, ERL_EPMD_PORT=str(epmd), ERL_EPMD_ADDRESS="127.0.0.1", RUNNING_UNDER_SYSTEMD="true",
            RABBITMQ_NODENAME=f"scaling-{distribution}@localhost", RABBITMQ_DIST_PORT=str(distribution),
            RABBITMQ_CONFIG_FILE=self.folder + "/rabbitmq.conf", RABBITMQ_CONF_ENV_FILE=self.folder + "/none",
            RABBITMQ_ENABLED_PLUGINS_FILE=self.folder + "/enabled_plugins", RABBITMQ_MNESIA_BASE=self.folder + "/data",
            RABBITMQ_LOG_BASE=self.folder + "/log", RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=loopback, RABBITMQ_CTL_ERL_ARGS=loopback)
        self.epmd = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"], env=self.environment)
        self.server = subprocess.Popen(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.server.poll() is None:
            try:
                return self.connect("/").close()
            except pika.exceptions.AMQPConnectionError:
                time.sleep(0.5)
        raise SystemExit("RabbitMQ did not start")

    def ctl(self, *arguments):
        command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def connect(self, vhost):
        login = pika.PlainCredentials("mov", "password")
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, vhost, login))

    def memory(self):
        self.ctl("eval", "[garbage_collect(P) || P <- processes()], ok.")
        return int(self.ctl("eval", "erlang:memory(total).")) / 1e6

    def stop(self):
        for process in (self.server, self.epmd):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rsplit(") ", 1)[1].split()[11:13])) / TICKS


class Processes:
    """Processes of the echo, which log nothing."""

    def __init__(self, program, node, vhosts):
        self.folders = [tempfile.mkdtemp(prefix="valawai-scaling-log-") for _ in vhosts]
        quiet = {name: "ERROR" for name in ("LOG_CONSOLE_LEVEL", "LOG_FILE_LEVEL", "LOG_MOV_LEVEL")}
        login = {"RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_PORT": str(node.port), "RABBITMQ_USERNAME": "mov", "RABBITMQ_PASSWORD": "password"}
        self.running = [
            subprocess.Popen([program], env=dict(os.environ, **quiet, **login, RABBITMQ_VHOST=vhost, LOG_DIR=folder),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for vhost, folder in zip(vhosts, self.folders)]

    def cpu(self):
        return sum(cpu(process.pid) for process in self.running)

    def memory(self):
        def resident(pid):
            with open(f"/proc/{pid}/status") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        return statistics.mean(resident(process.pid) for process in self.running) / 1000

    def stop(self):
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process, folder in zip(self.running, self.folders):
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def make_vhosts(node, count):
    """Virtual hosts for all measurements: to make one takes longer than a measurement."""
    for number in range(count):
        node.ctl("add_vhost", f"measured-{number}")
        node.ctl("set_permissions", "--vhost", f"measured-{number}", "mov", ".*", ".*", ".*")


def declare_queues(node, vhost):
    connection = node.connect(vhost)
    channel = connection.channel()
    channel.queue_declare(INPUT, durable=True)
    channel.queue_declare(OUTPUT, durable=True)
    return connection, channel


def measure(node, program, kind, count, messages):
    """The rate, and the CPU time of a message in the component and in the broker, in microseconds."""
    vhosts = [f"measured-{number}" for number in range(count if kind == "components" else 1)]
    connections = [declare_queues(node, vhost) for vhost in vhosts]
    each = messages // len(vhosts)
    persistent = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    for _, channel in connections:
        for _ in range(each):
            channel.basic_publish("", INPUT, BODY, persistent)
        while channel.queue_declare(INPUT, passive=True).method.message_count < each:
            time.sleep(0.1)
    time.sleep(1)
    broker, began = cpu(node.server.pid), time.monotonic()
    processes = Processes(program, node, vhosts if kind == "components" else vhosts * count)
    for _, channel in connections:
        while channel.queue_declare(OUTPUT, passive=True).method.message_count < each:
            time.sleep(0.05)
    seconds = time.monotonic() - began
    result = each * len(vhosts) / seconds, processes.cpu() / messages * 1e6, (cpu(node.server.pid) - broker) / messages * 1e6
    processes.stop()
    for connection, channel in connections:
        channel.queue_delete(INPUT)
        channel.queue_delete(OUTPUT)
        connection.close()
    return result


def footprint(node, program, count=20):
    """What idle processes take: in themselves, and in the broker."""
    connection, channel = declare_queues(node, "measured-0")
    before = node.memory()
    processes = Processes(program, node, ["measured-0"] * count)
    while channel.queue_declare(INPUT, passive=True).method.consumer_count < count:
        time.sleep(0.5)
    time.sleep(5)
    connections = len(node.ctl("list_connections", "pid").split()) - 1
    channels = len(node.ctl("list_channels", "pid").split()) - 1
    print(f"{count} idle processes: {connections / count:.1f} connections and {channels / count:.1f} channels each, "
          f"{processes.memory():.1f} MB each, and {(node.memory() - before) / count:.2f} MB each in the broker")
    processes.stop()
    before = node.memory()
    for number in range(1000):
        channel.queue_declare(f"queue-{number}", durable=True)
    print(f"1000 idle durable classic queues: {(node.memory() - before) * 1000 / 1000:.0f} kB each in the broker")
    for number in range(1000):
        channel.queue_delete(f"queue-{number}")
    connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/c1_echo")
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    node = Node()
    try:
        make_vhosts(node, max(count for _, count in CONFIGURATIONS))
        results = {configuration: [] for configuration in CONFIGURATIONS}
        for _ in range(arguments.rounds):
            for kind, count in CONFIGURATIONS:
                results[kind, count].append(measure(node, program, kind, count, arguments.messages))
                print(kind, count, results[kind, count][-1], file=sys.stderr, flush=True)
        print("| on one broker | rate (1/s) | CPU of a message in the component (µs) | in the broker (µs) |\n|---|---|---|---|")
        for (kind, count), rounds in results.items():
            rate, component, broker = (statistics.median(column) for column in zip(*rounds))
            spread = f"{min(each[0] for each in rounds):,.0f} to {max(each[0] for each in rounds):,.0f}"
            print(f"| {count} {kind if count > 1 else kind[:-1]} | {rate:,.0f} ({spread}) | {component:.1f} | {broker:.1f} |")
        footprint(node, program)
    finally:
        node.stop()


if __name__ == "__main__":
    main()
