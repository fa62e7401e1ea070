//! Each command works with the permissions that its help names, and fails with a clear word if one of them is missing.

mod commands;
mod component;
mod document;
mod messages;
mod one_less;
mod processes;
mod run;

use std::fs;

use testkit::{Finished, Node, ProcessBuilder};

use super::{command, run_with_code};
use crate::test_bed::{LONG, TestBed};

const NONE: &str = "^$";

/// What a user may configure, write and read: three regular expressions, as for `rabbitmqctl set_permissions`.
type Permissions<'p> = (&'p str, &'p str, &'p str);

/// To publish requests to processes.
const ASKS: Permissions<'_> = (NONE, r"^valawai\.service$", NONE);

/// A user with few permissions, beside that of the component.
struct NightShift<'t> {
    node: &'t Node,
    test_bed: &'t TestBed,
    /// Users are not of one virtual host.
    user: String,
}

impl<'t> NightShift<'t> {
    fn on(node: &'t Node, test_bed: &'t TestBed) -> Self {
        let user = format!("night-{}", test_bed.vhost.name);
        node.rabbitmqctl(&["add_user", &user, "shift"]);
        Self { node, test_bed, user }
    }

    /// A command of this user, who gets these permissions.
    #[track_caller]
    fn command(&self, arguments: &str, (configure, write, read): Permissions<'_>) -> ProcessBuilder {
        let vhost = &self.test_bed.vhost;
        self.node.rabbitmqctl(&["set_permissions", "-p", &vhost.name, &self.user, configure, write, read]);
        command(vhost, arguments).env("RABBITMQ_USERNAME", &self.user).env("RABBITMQ_PASSWORD", "shift")
    }

    #[track_caller]
    fn run(&self, arguments: &str, permissions: Permissions<'_>) -> Finished {
        self.command(arguments, permissions).run(LONG)
    }

    /// Asserts that a command exits with `code` with these permissions.
    #[track_caller]
    fn assert_exits(&self, arguments: &str, permissions: Permissions<'_>, code: i32) {
        let finished = self.run(arguments, permissions);
        assert_eq!(finished.code, Some(code), "`{arguments}` with {permissions:?}: {finished:?}");
    }

    /// Asserts that a command is refused with these permissions, and says what was refused.
    #[track_caller]
    fn assert_refused(&self, arguments: &str, permissions: Permissions<'_>, refused: &str) {
        let finished = self.run(arguments, permissions);
        assert_eq!(finished.code, Some(1), "`{arguments}` with {permissions:?}: {finished:?}");
        let is_clear = finished.stderr.contains("ACCESS_REFUSED") && finished.stderr.contains(refused);
        assert!(is_clear, "`{arguments}` does not say that access to {refused} was refused: {finished:?}");
    }

    /// Asserts that the help of a command names these permissions.
    #[track_caller]
    fn assert_in_help(&self, arguments: &str, (configure, write, read): Permissions<'_>) {
        let verb = arguments.split(' ').next().expect("a command");
        let help = run_with_code(&self.test_bed.vhost, &format!("{verb} --help"), 0).stdout;
        let named = format!("configure '{configure}', write '{write}', read '{read}'");
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(&named), "the help of {verb} does not name {named}: {help}");
    }
}

/// What the broker refused to a user, as in `queue 'q'`: also what a program does not tell.
fn refusals(node: &Node, user: &str) -> Vec<String> {
    let log = fs::read_to_string(node.directory().join("log/rabbit.log")).expect("read the log of the broker");
    let of_user = format!("refused for user '{user}'");
    let refused = log.lines().filter(|line| line.contains(&of_user));
    let what = refused.filter_map(|line| line.split_once("access to ")?.1.split_once(" in vhost "));
    what.map(|(what, _)| what.to_owned()).collect()
}
