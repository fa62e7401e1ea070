//! Finds the programs of the contestants.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::{CEILING, COMPONENT, Contestant, LogSupport, Role};

/// Where the programs are.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// The builds of the component.
    pub(crate) components: Vec<Component>,
    /// The folder of the contestants in Rust and C.
    pub(crate) compiled: PathBuf,
    /// The folder of the contestants in Python.
    pub(crate) scripts: PathBuf,
    /// A Python interpreter with pika.
    pub(crate) python: Option<PathBuf>,
}

/// A build of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl Component {
    /// Reads `NAME=PATH` or `PATH`. Text before a `=` that contains a slash belongs to the path.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, path)) if !name.contains('/') => Self { name: name.to_owned(), path: path.into() },
            _ => Self { name: COMPONENT.to_owned(), path: text.into() },
        }
    }
}

impl Programs {
    /// All contestants whose programs exist, beginning with the ceiling.
    pub(crate) fn contestants(&self) -> Result<Vec<Contestant>> {
        let mut contestants = vec![self.compiled(CEILING, "raw_echo", Role::Ceiling, LogSupport::Configurable)];
        contestants.extend(self.components.iter().flat_map(|one| [component(one), with_tls(component(one))]));
        for contestant in &contestants {
            let binary = contestant.binary.as_deref().unwrap_or(Path::new(""));
            ensure!(binary.is_file(), "{}: {} is not a file", contestant.name, binary.display());
        }
        contestants.extend(self.clients());
        ensure_unique_names(&contestants)?;
        Ok(contestants)
    }

    /// A component that echoes nothing, but publishes by itself.
    pub(crate) fn source(&self) -> Contestant {
        self.compiled(COMPONENT, "kit_source", Role::Component, LogSupport::Configurable)
    }

    /// The other client libraries, as far as they are installed.
    fn clients(&self) -> Vec<Contestant> {
        let mut clients = vec![
            self.compiled("librabbitmq", "librabbitmq_echo", Role::Client, LogSupport::Never),
            self.compiled("amqprs", "amqprs_echo", Role::Client, LogSupport::Never),
            self.compiled("lapin", "lapin_echo", Role::Client, LogSupport::Never),
        ];
        clients.retain(|client| client.binary.as_ref().is_some_and(|binary| binary.is_file()));
        if let Some(python) = &self.python {
            clients.extend([
                self.script(python, "pika", "pika_echo.py", &[], LogSupport::Never),
                self.script(python, "pika auto-ack", "pika_echo.py", &["--auto-ack"], LogSupport::Never),
                self.script(python, "Python example", "python_example.py", &[], LogSupport::Always),
            ]);
        }
        clients
    }

    fn compiled(&self, name: &str, file: &str, role: Role, logs: LogSupport) -> Contestant {
        binary(name, &self.compiled.join(file), role, logs)
    }

    fn script(&self, python: &Path, name: &str, file: &str, arguments: &[&str], logs: LogSupport) -> Contestant {
        let mut command = vec![python.into(), self.scripts.join(file).into()];
        command.extend(arguments.iter().map(Into::into));
        Contestant { name: name.to_owned(), role: Role::Client, command, binary: None, logs, tls: false, slow: true }
    }
}

fn component(component: &Component) -> Contestant {
    binary(&component.name, &component.path, Role::Component, LogSupport::Configurable)
}

/// The same program with TLS.
fn with_tls(contestant: Contestant) -> Contestant {
    Contestant { name: format!("{}, TLS", contestant.name), tls: true, ..contestant }
}

fn binary(name: &str, path: &Path, role: Role, logs: LogSupport) -> Contestant {
    Contestant {
        name: name.to_owned(),
        role,
        command: vec![path.into()],
        binary: Some(path.to_owned()),
        logs,
        tls: false,
        slow: false,
    }
}

fn ensure_unique_names(contestants: &[Contestant]) -> Result<()> {
    for (index, contestant) in contestants.iter().enumerate() {
        let name = &contestant.name;
        ensure!(!name.is_empty(), "--component: the name before `=` is empty");
        let is_taken = contestants[..index].iter().any(|other| other.name == *name);
        ensure!(!is_taken, "two contestants are named {name}: use --component NAME=PATH with another name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_has_an_optional_name() {
        let parsed = |text| {
            let Component { name, path } = Component::parse(text);
            (name, path.display().to_string())
        };
        assert_eq!(parsed("old=/tmp/echo"), ("old".to_owned(), "/tmp/echo".to_owned()));
        assert_eq!(parsed("/tmp/echo"), (COMPONENT.to_owned(), "/tmp/echo".to_owned()));
        assert_eq!(parsed("/tmp/a=b/echo"), (COMPONENT.to_owned(), "/tmp/a=b/echo".to_owned()));
    }

    #[test]
    fn two_contestants_cannot_share_a_name() {
        let contestant = |text| component(&Component::parse(text));
        assert!(ensure_unique_names(&[contestant("/tmp/old"), contestant("new=/tmp/new")]).is_ok());
        assert!(ensure_unique_names(&[contestant("/tmp/old"), contestant("/tmp/new")]).is_err());
        assert!(ensure_unique_names(&[contestant("=/tmp/old")]).is_err());
    }
}
