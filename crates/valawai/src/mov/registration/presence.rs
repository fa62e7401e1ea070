//! What others see of the registration: the health file, and the identifier in the logs.
//!
//! Both are derived from the state of the registration, here and nowhere else.

use crate::health::health_file::HealthFile;
use crate::mov::identity::Identity;
use crate::mov::notice::Notice;
use crate::name::ComponentId;

#[derive(Debug)]
pub(super) struct Presence {
    health: HealthFile,
    identity: Identity,
    identified: Option<ComponentId>,
    shown: Option<ComponentId>,
    /// Whether it was said that the health file cannot be written.
    complained: bool,
}

impl Presence {
    pub(super) fn new(health: HealthFile, identity: Identity) -> Self {
        Self { health, identity, identified: None, shown: None, complained: false }
    }

    /// Brings both in line with `current`, the registration that stands; `works` tells whether the component can do its work.
    pub(super) fn update(&mut self, current: Option<&Notice>, works: bool) {
        let id = current.map(|notice| &notice.id);
        if self.identified.as_ref() != id {
            self.identified = id.cloned();
            self.identity.set(id.cloned());
        }
        let healthy = current.filter(|_| works);
        if self.shown.as_ref() == healthy.map(|notice| &notice.id) {
            return;
        }
        match healthy {
            Some(notice) => self.write(notice),
            None => self.clear(),
        }
    }

    /// Looks unhealthy, whatever was left by an earlier run or the last session.
    pub(super) fn reset(&mut self) {
        self.identified = None;
        self.identity.set(None);
        self.clear();
    }

    fn write(&mut self, notice: &Notice) {
        match self.health.write(&notice.whole) {
            Ok(()) => {
                self.shown = Some(notice.id.clone());
                self.complained = false;
            }
            Err(error) if !self.complained => {
                let path = self.health.path().display();
                log::error!("cannot write the health file {path}: {error}; the component works, and looks unhealthy");
                self.complained = true;
            }
            Err(_) => {}
        }
    }

    fn clear(&mut self) {
        self.shown = None;
        if let Err(error) = self.health.clear() {
            log::error!("cannot remove the health file {}: {error}", self.health.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mov::component_info::ComponentInfo;
    use crate::name::Level;

    fn notice(digit: char) -> Notice {
        let info = ComponentInfo {
            name: "c1_echo".into(),
            level: Level::C1,
            version: "1.0.0",
            asyncapi: "",
            channels: Vec::new(),
        };
        let id = digit.to_string().repeat(24);
        Notice::parse(format!(r#"{{"id":"{id}","name":"c1_echo","type":"C1"}}"#).as_bytes(), &info).unwrap()
    }

    #[test]
    fn the_file_is_there_while_the_component_is_registered_and_works() {
        let folder = tempfile::tempdir().unwrap();
        let health = HealthFile::new(folder.path().join("component_id.json"));
        let identity = Identity::default();
        let mut presence = Presence::new(health.clone(), identity.clone());
        let (a, b) = (notice('a'), notice('b'));
        for (current, works, file, id) in [
            (Some(&a), true, Some(&a), Some(&a)),
            (Some(&a), false, None, Some(&a)),
            (Some(&b), true, Some(&b), Some(&b)),
            (None, true, None, None),
        ] {
            presence.update(current, works);
            assert_eq!(health.id().as_ref(), file.map(|notice| &notice.id));
            assert_eq!(identity.id().as_ref(), id.map(|notice| &notice.id));
        }
    }

    #[test]
    fn a_file_that_could_not_be_written_is_written_when_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("component_id.json");
        std::fs::create_dir(&path).unwrap();
        let health = HealthFile::new(path.clone());
        let mut presence = Presence::new(health.clone(), Identity::default());
        let a = notice('a');
        presence.update(Some(&a), true);
        assert_eq!(health.id(), None);
        std::fs::remove_dir(&path).unwrap();
        presence.update(Some(&a), true);
        assert_eq!(health.id(), Some(a.id.clone()));
    }
}
