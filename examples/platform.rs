//! A RabbitMQ node and a simulator of the MOV, for components that are started by hand. `runDemo.sh --platform` runs it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;

use testkit::{Mov, Node};

/// The settings, for the shells in which components are started.
const SETTINGS: &str = "target/platform.env";

fn main() -> io::Result<()> {
    println!("Starting RabbitMQ and a simulator of the Master Of VALAWAI (MOV)");
    let node = Node::start();
    let vhost = node.vhost();
    let mov = Mov::start(&vhost);
    write_settings(&format!(
        "export RABBITMQ_HOST={} RABBITMQ_PORT={} RABBITMQ_USERNAME={} RABBITMQ_PASSWORD={} RABBITMQ_VHOST={}\n\
         export MOV_URL={}\n",
        vhost.host,
        vhost.port,
        vhost.username,
        vhost.password,
        vhost.name,
        mov.url()
    ))?;
    println!("RabbitMQ and the MOV are running until Ctrl-C. In the terminals of your components, first run:");
    println!("  . {}", Path::new(SETTINGS).canonicalize()?.display());
    loop {
        // Ctrl-C ends this process, and the node and the MOV end with it.
        thread::park();
    }
}

fn write_settings(text: &str) -> io::Result<()> {
    // A file of an earlier run may have belonged to another user, or have been a link.
    let _ = fs::remove_file(SETTINGS);
    fs::create_dir_all("target")?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(SETTINGS)?;
    file.write_all(text.as_bytes())
}
