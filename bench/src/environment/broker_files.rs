//! The configuration of the temporary broker.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

pub(super) const CONFIGURATION_FILE: &str = "rabbitmq.conf";
pub(super) const PLUGINS_FILE: &str = "enabled_plugins";
pub(super) const USERNAME: &str = "mov";
pub(super) const PASSWORD: &str = "password";

/// The user and the virtual hosts.
const DEFINITIONS: &str = r#"{
  "users": [{"name": "mov", "password": "password", "tags": "administrator"}],
  "vhosts": [{"name": "/"}, {"name": "other"}],
  "permissions": [
    {"user": "mov", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "mov", "vhost": "other", "configure": ".*", "write": ".*", "read": ".*"}
  ]
}"#;

/// Writes all files that the broker reads at its start.
pub(super) fn write_files(folder: &Path, port: u16) -> io::Result<()> {
    let definitions = folder.join("definitions.json");
    fs::write(&definitions, DEFINITIONS)?;
    fs::write(folder.join(PLUGINS_FILE), "[].\n")?;
    fs::write(folder.join(CONFIGURATION_FILE), configuration(port, &definitions))?;
    write_cookie(&folder.join(".erlang.cookie"))
}

fn configuration(port: u16, definitions: &Path) -> String {
    // With a given cluster name the node does not look up its host name.
    format!(
        "listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {}
cluster_name = echo-bench
vm_memory_high_watermark.relative = 0.7
disk_free_limit.absolute = 100MB
log.console = false
log.file.level = warning
",
        definitions.display()
    )
}

fn write_cookie(path: &Path) -> io::Result<()> {
    File::create(path)?.write_all(format!("ECHOBENCH{}", process::id()).as_bytes())?;
    // Erlang rejects a cookie file that other users can read.
    fs::set_permissions(path, Permissions::from_mode(0o400))
}
