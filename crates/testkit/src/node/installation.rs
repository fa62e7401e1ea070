//! Where the broker and its Erlang are on this machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the directory of another broker: the one that has `sbin/rabbitmq-server` and `sbin/rabbitmqctl`.
const RABBITMQ: &str = "VALAWAI_TEST_RABBITMQ";
/// Names the root of another Erlang: the directory that has `bin/erl` and `bin/epmd`.
const ERLANG: &str = "VALAWAI_TEST_ERLANG";
/// Debian's place. Its wrapper in `/usr/sbin` would change the user; these scripts run as whoever calls them.
const DEBIAN: &str = "/usr/lib/rabbitmq";

#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) server: PathBuf,
    pub(crate) ctl: PathBuf,
    pub(crate) path: OsString,
    pub(crate) erlang: Option<PathBuf>,
}

impl Installation {
    /// Finds them, or fails the test with what to do: a test that needs a broker is never skipped.
    pub(crate) fn find() -> Self {
        let root = env::var_os(RABBITMQ).map_or_else(|| PathBuf::from(DEBIAN), PathBuf::from);
        let scripts = scripts_below(&root).unwrap_or_else(|| panic!("{}", how_to_get_it(&root)));
        let erlang = env::var_os(ERLANG).map(PathBuf::from);
        Self {
            server: scripts.join("rabbitmq-server"),
            ctl: scripts.join("rabbitmqctl"),
            path: search_path(erlang.as_deref()),
            erlang,
        }
    }
}

fn scripts_below(root: &Path) -> Option<PathBuf> {
    [root.join("sbin"), root.join("bin"), root.to_owned()]
        .into_iter()
        .find(|directory| directory.join("rabbitmq-server").is_file())
}

fn search_path(erlang: Option<&Path>) -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let directories = erlang.map(|root| root.join("bin")).into_iter().chain(env::split_paths(&inherited));
    env::join_paths(directories).expect("a search path without colons in its directories")
}

fn how_to_get_it(root: &Path) -> String {
    format!(
        "no RabbitMQ at {}: the tests start their own broker and need its program. On Debian or Ubuntu: `apt-get install \
         rabbitmq-server` (it need not run as a service). Anywhere else: set {RABBITMQ} to the directory that has \
         `sbin/rabbitmq-server`, and {ERLANG} to its Erlang's root if `erl` is not on the PATH.",
        root.display()
    )
}
