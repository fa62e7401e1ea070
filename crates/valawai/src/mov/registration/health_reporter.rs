//! Reports the registration to the outside: by the health file, by `/health/ready`, and by the identifier in the logs. Nothing else
//! writes them.

use std::sync::Arc;

use crate::health::health_file::HealthFile;
use crate::health::status::ConsumerStatus;
use crate::mov::identity::Identity;
use crate::mov::notice::Notice;
use crate::name::Id;

#[derive(Debug)]
pub(super) struct HealthReporter {
    health: HealthFile,
    identity: Identity,
    status: Arc<ConsumerStatus>,
    /// What the health file holds.
    written: Option<Id>,
    /// Whether it was logged that the health file cannot be written.
    is_failure_logged: bool,
}

impl HealthReporter {
    pub(super) fn new(health: HealthFile, identity: Identity, status: Arc<ConsumerStatus>) -> Self {
        Self { health, identity, status, written: None, is_failure_logged: false }
    }

    /// Reports `current`, the current registration. The health file is written only if the component also `is_working`.
    pub(super) fn update(&mut self, current: Option<&Notice>, is_working: bool) {
        let id = current.map(|notice| &notice.id);
        if self.identity.id().as_ref() != id {
            self.identity.set(id.cloned());
        }
        self.status.readiness.set_registered(current.is_some(), is_working);
        let healthy = current.filter(|_| is_working);
        if self.written.as_ref() == healthy.map(|notice| &notice.id) {
            return;
        }
        match healthy {
            Some(notice) => self.write(notice),
            None => self.clear(),
        }
    }

    /// Reports the component as unregistered and unhealthy, whatever an earlier run or session reported.
    pub(super) fn reset(&mut self) {
        self.identity.set(None);
        self.status.readiness.set_registered(false, false);
        self.clear();
    }

    fn write(&mut self, notice: &Notice) {
        match self.health.write(&notice.json) {
            Ok(()) => {
                self.written = Some(notice.id.clone());
                self.is_failure_logged = false;
            }
            Err(error) if !self.is_failure_logged => {
                let path = self.health.path().display();
                log::error!(
                    "cannot write the health file {path}: {error}; the component works but is reported as unhealthy"
                );
                self.is_failure_logged = true;
            }
            Err(_) => {}
        }
    }

    fn clear(&mut self) {
        self.written = None;
        if let Err(error) = self.health.clear() {
            log::error!("cannot remove the health file {}: {error}", self.health.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mov::component_info::ComponentInfo;

    fn notice(digit: char) -> Notice {
        let id = digit.to_string().repeat(24);
        let body = format!(r#"{{"id":"{id}","name":"c1_echo","type":"C1"}}"#);
        Notice::parse(body.as_bytes(), &ComponentInfo::example()).unwrap()
    }

    #[test]
    fn the_health_file_exists_while_the_component_is_registered_and_working() {
        let folder = tempfile::tempdir().unwrap();
        let health = HealthFile::new(folder.path().join("component_id.json"));
        let identity = Identity::default();
        let mut reporter = HealthReporter::new(health.clone(), identity.clone(), Arc::default());
        let (a, b) = (notice('a'), notice('b'));
        for (current, is_working, file, id) in [
            (Some(&a), true, Some(&a), Some(&a)),
            (Some(&a), false, None, Some(&a)),
            (Some(&b), true, Some(&b), Some(&b)),
            (None, true, None, None),
        ] {
            reporter.update(current, is_working);
            assert_eq!(health.id().as_ref(), file.map(|notice| &notice.id));
            assert_eq!(identity.id().as_ref(), id.map(|notice| &notice.id));
        }
    }

    #[test]
    fn a_health_file_that_could_not_be_written_is_written_as_soon_as_possible() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("component_id.json");
        std::fs::create_dir(&path).unwrap();
        let health = HealthFile::new(path.clone());
        let mut reporter = HealthReporter::new(health.clone(), Identity::default(), Arc::default());
        let a = notice('a');
        reporter.update(Some(&a), true);
        assert_eq!(health.id(), None);
        std::fs::remove_dir(&path).unwrap();
        reporter.update(Some(&a), true);
        assert_eq!(health.id(), Some(a.id.clone()));
    }
}
