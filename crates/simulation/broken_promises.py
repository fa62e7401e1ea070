#!/usr/bin/env python3
"""Breaks each promise of the component on purpose, and counts how many schedules the simulation needs to find it.

Works on a copy of the last commit, in a folder of its own, and prints the table of docs/simulation.md. Takes about a minute for
each defect, for the build.

    crates/simulation/broken_promises.py [WORD]…     only the defects whose titles contain one of the words
"""

import os
import re
import subprocess
import sys
import tempfile

SCHEDULES = 200_000
KIT = "crates/valawai/src"

# What is broken, in which file, the code, and what it is replaced with.
DEFECTS = [
    (
        "A delivery is acknowledged when its reply is sent, not when it is confirmed",
        "consumer/in_flight/deliveries.rs",
        "            Delivery::Open { unconfirmed: 0, forwarded, .. } => {",
        "            Delivery::Open { forwarded, .. } if tag > 0 => {",
    ),
    (
        "A rejected message counts as published",
        "consumer/in_flight/deliveries.rs",
        "        *rejected |= !accepted;",
        "        *rejected |= !accepted && *unconfirmed > 1000;",
    ),
    (
        "A retry or a dead letter that the broker returned counts as published",
        "consumer/in_flight/mod.rs",
        "let accepted = accepted && !(publish.returned && publish.must_arrive);",
        "let accepted = accepted && !(publish.returned && publish.must_arrive && accepted != publish.returned);",
    ),
    (
        "An ack of several deliveries includes one that is open",
        "consumer/in_flight/deliveries.rs",
        "let settled = self.window.iter().take_while(|(tag, delivery)| *tag < end && delivery.is_settled());",
        "let settled = self.window.iter().filter(|(tag, delivery)| *tag < end && delivery.is_settled());",
    ),
    (
        "A confirm of several messages confirms one more",
        "consumer/in_flight/publishes.rs",
        "if multiple { self.window.first()..=sequence.min(self.window.last()) }",
        "if multiple { self.window.first()..=(sequence + 1).min(self.window.last()) }",
    ),
    (
        "A confirm of several messages confirms only the last one",
        "consumer/in_flight/publishes.rs",
        "if multiple { self.window.first()..=sequence.min(self.window.last()) }",
        "if multiple { sequence.min(self.window.last())..=sequence.min(self.window.last()) }",
    ),
    (
        "A message that cannot be processed is dropped instead of becoming a dead letter",
        "consumer/outcomes.rs",
        "                self.answer(letter.answer.take())?;\n                self.dead_letter(tag, id, letter)",
        "                self.answer(letter.answer.take())?;\n                let _ = (id, Self::dead_letter);\n"
        "                self.in_flight.complete(tag, Vec::new());\n                Ok(())",
    ),
    (
        "A reply for a queue whose node is down is dropped",
        "consumer/settling.rs",
        "            self.in_flight.require_arrival(returned);",
        "            let _ = InFlight::require_arrival;",
    ),
    (
        "A reply does not survive a restart of the broker",
        "message.rs",
        "            persistent: true,\n            mandatory: true,",
        "            persistent: false,\n            mandatory: true,",
    ),
    (
        "A reply gets an identifier of its own",
        "consumer/router.rs",
        "            outgoing.properties.message_id.get_or_insert_with(|| self.ids.next());",
        "            outgoing.properties.message_id = Some(self.ids.next());",
    ),
    (
        "The last confirms are not waited for at a stop",
        "consumer/draining.rs",
        "        while !self.in_flight.is_confirmed() {\n            self.drain_one(None)?;\n        }\n        self.acknowledge()",
        "        self.acknowledge()?;\n        self.in_flight.complete(1, Vec::new());\n        Ok(())",
    ),
    (
        "A late confirm is waited for without a limit",
        "consumer/unconfirmed.rs",
        "        age > self.limit\n    }\n}\n\n#[cfg(test)]",
        "        age > self.limit * 10_000\n    }\n}\n\n#[cfg(test)]",
    ),
    (
        "A broker that accepts nothing leaves the component healthy",
        "mov/registration/mod.rs",
        "if !self.is_blocked && now - since > BLOCKED_LIMIT {",
        "if !self.is_blocked && now - since > 100 * BLOCKED_LIMIT {",
    ),
    (
        "The health file stays when the session is lost",
        "mov/registration/mod.rs",
        "        let result = self.run_until_shutdown(link, shutdown);\n        self.health_reporter.reset();",
        "        let result = self.run_until_shutdown(link, shutdown);",
    ),
    (
        "The MOV is never checked again once the component is registered",
        "mov/registration/state/mov_monitor.rs",
        "            _ if self.is_down => Observation::UpAgain,",
        "            Some(_) if self.is_down => Observation::StillUp,",
    ),
    (
        "Each session registers anew",
        "mov/registration/state/answers.rs",
        "        self.current = kept.map(|index| live.remove(index));",
        "        self.current = kept.map(|index| live.remove(index)).filter(|_| self.sent > 0);",
    ),
    (
        "A second registration is not ended",
        "mov/registration/state/answers.rs",
        "        self.stale.replace(live.into_iter().map(|notice| notice.id));",
        "        self.stale.replace(live.into_iter().map(|notice| notice.id).filter(|_| false));",
    ),
    (
        "A process that stops unregisters although others run",
        "mov/registration/mod.rs",
        "        Ok(all > self.status.consumers())",
        "        Ok(all > self.status.consumers() + 1)",
    ),
    (
        "The last process does not unregister",
        "mov/registration/mod.rs",
        "        Ok(all > self.status.consumers())",
        "        Ok(all >= self.status.consumers())",
    ),
    (
        "A stop releases the lock first, and looks for other processes once",
        "mov/registration/registrar/mod.rs",
        "        let mut is_last = !self.registration.has_other_replicas(self.link)?;\n"
        "        if is_last {\n            self.query_last_time()?;\n"
        "            // Another process may have started meanwhile. It waits for the lock, as this one still has it.\n"
        "            is_last = !self.registration.has_other_replicas(self.link)?;\n        }\n",
        "        self.link.cancel()?;\n        let is_last = !self.registration.has_other_replicas(self.link)?;\n"
        "        if is_last {\n            self.query_last_time()?;\n        }\n",
    ),
    (
        "A standby forgets what it has read when the record is lost",
        "mov/registration/mod.rs",
        "            record = read_before;",
        "            drop(read_before);",
    ),
    (
        "Two processes are the registrar",
        "mov/registration/standby.rs",
        "link.consume(&self.queue, Access::Exclusive, PREFETCH)?;\n"
        "        if link.consumers(&self.queue)?.unwrap_or(0) > 1 {",
        "link.consume(&self.queue, Access::Shared, PREFETCH)?;\n"
        "        if link.consumers(&self.queue)?.unwrap_or(0) > 100 {",
    ),
    (
        "A consumer waits for an hour",
        "consumer/consumer_loop.rs",
        "pub(super) const TICK: Duration = Duration::from_secs(1);",
        "pub(super) const TICK: Duration = Duration::from_secs(3600);",
    ),
    (
        "What ends a registration is not JSON",
        "mov/payloads.rs",
        "    to_mov(UNREGISTER, &Unregister { component_id: id.as_str() })",
        "    let mut message = to_mov(UNREGISTER, &Unregister { component_id: id.as_str() });\n"
        "    message.body.truncate(9);\n    message",
    ),
    (
        "A wait ends at once",
        "consumer/consumer_loop.rs",
        "self.paused_until.map_or(longest, |until|",
        "Some(clock::now()).map_or(longest, |until|",
    ),
    (
        "A stop does not limit how long it waits for what is in flight",
        "process/stopping.rs",
        "        let deadline = self.deadline(began, DRAINED_BY);",
        "        let deadline = self.deadline(began, 1000.0 * DRAINED_BY);",
    ),
    (
        "Each seventh message waits until those after it are done",
        "consumer/consumer_loop.rs",
        "        let route = self.subscribed.route(consumer);\n",
        "        let route = self.subscribed.route(consumer);\n"
        "        if tag % 7 == 3 && !message.properties.redelivered {\n            return self.requeue(tag);\n        }\n",
    ),
    (
        "The panic of a handler is not caught",
        "component/handler.rs",
        "    panic::catch_unwind(AssertUnwindSafe(|| handler(context)))\n"
        "        .unwrap_or_else(|panic| Err(Failure::of_panic(\"the handler\", panic.as_ref())))",
        "    let _ = (panic::catch_unwind(AssertUnwindSafe(|| ())), Failure::of_panic);\n    handler(context)",
    ),
    (
        "A broker that cannot be reached ends the process",
        "process/app.rs",
        "                Err(error) => log::warn!(\"{error}; retrying\"),",
        "                Err(_) => return None,",
    ),
    (
        "A changed setting is refused",
        "configuration/orders.rs",
        "        if !invalid.is_empty() {",
        "        if invalid.is_empty() {",
    ),
]


def run(command, folder, **options):
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, **options)


def find(folder, target):
    """The promise that is broken first, and after how many schedules."""
    environment = dict(os.environ, CARGO_TARGET_DIR=target)
    built = run(["cargo", "build", "--profile", "simulation", "-p", "simulation"], folder, env=environment)
    if built.returncode != 0:
        sys.exit("the broken code does not compile:\n" + built.stderr[-3000:])
    program = os.path.join(target, "simulation", "simulation")
    ran = run([program, "--schedules", str(SCHEDULES), "--from", "1"], folder)
    broken = [re.match(r"BROKEN: (.*?): .*, schedule (\d+);", line) for line in ran.stdout.splitlines()]
    broken = [(int(it[2]), it[1]) for it in broken if it]
    return min(broken) if broken else None


def main():
    words = sys.argv[1:] or [""]
    root = run(["git", "rev-parse", "--show-toplevel"], os.path.dirname(os.path.abspath(__file__))).stdout.strip()
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target", "broken-promises"))
    missed = 0
    with tempfile.TemporaryDirectory() as parent:
        folder = os.path.join(parent, "copy")
        run(["git", "worktree", "add", "--detach", folder], root, check=True)
        try:
            print("| What is broken | Found as | After |\n|---|---|--:|", flush=True)
            for title, file, old, new in DEFECTS:
                if not any(word in title for word in words):
                    continue
                path = os.path.join(folder, KIT, file)
                with open(path) as opened:
                    code = opened.read()
                if code.count(old) != 1:
                    sys.exit(f"{file} has {code.count(old)} places for: {title}")
                with open(path, "w") as opened:
                    opened.write(code.replace(old, new))
                found = find(folder, target)
                missed += found is None
                result = f"{found[1]} | {found[0]:,}" if found else f"**not found** | {SCHEDULES:,}"
                print(f"| {title} | {result} |", flush=True)
                with open(path, "w") as opened:
                    opened.write(code)
        finally:
            run(["git", "worktree", "remove", "--force", folder], root)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
