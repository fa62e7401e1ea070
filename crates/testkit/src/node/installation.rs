//! The installation of RabbitMQ and Erlang on this machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that names the directory with `sbin/rabbitmq-server` and `sbin/rabbitmqctl`.
const RABBITMQ: &str = "VALAWAI_TEST_RABBITMQ";
/// The variable that names the directory with `bin/erl` and `bin/epmd`.
const ERLANG: &str = "VALAWAI_TEST_ERLANG";
/// The directory of Debian's package. Its wrappers in `/usr/sbin` would change the user, these scripts do not.
const DEBIAN: &str = "/usr/lib/rabbitmq";

#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) server: PathBuf,
    pub(crate) ctl: PathBuf,
    pub(crate) path: OsString,
    pub(crate) erlang: Option<PathBuf>,
}

impl Installation {
    /// Finds the installation. If there is none, the test fails with instructions: no test is skipped for lack of a broker.
    pub(crate) fn find() -> Self {
        let root = env::var_os(RABBITMQ).map_or_else(|| PathBuf::from(DEBIAN), PathBuf::from);
        let scripts = scripts_below(&root).unwrap_or_else(|| panic!("{}", installation_instructions(&root)));
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
    env::join_paths(directories).expect("directories without colons")
}

fn installation_instructions(root: &Path) -> String {
    format!(
        "no RabbitMQ in {}: the tests start their own nodes and need its program. On Debian or Ubuntu run `apt-get install \
         rabbitmq-server`; the service need not run. Elsewhere set {RABBITMQ} to the directory that has \
         `sbin/rabbitmq-server`, and {ERLANG} to the directory that has `bin/erl` if that is not on the PATH.",
        root.display()
    )
}
