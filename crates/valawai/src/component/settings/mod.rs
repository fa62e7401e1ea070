//! The settings that a component's author declares, as a type.

mod builder;
mod change;
mod fields;
mod text;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::de::DeserializeOwned;

pub(crate) use self::text::yes_or_no;

use self::change::{Change, Listeners, has_changed};

/// The settings of a component: their type, their values now, and who wants to know of changes.
#[derive(Clone)]
pub(crate) struct OwnSettings {
    declared: Arc<dyn Declared>,
}

/// The value of a setting by the name of its field, or why it cannot be had.
pub(crate) type Lookup<'l> = dyn Fn(&str) -> Result<Option<String>, String> + 'l;

/// A field with what was expected of its value.
pub(crate) type Mistake = (String, String);

/// Settings of any type. Readers downcast them.
pub(crate) type AnySettings = Arc<dyn Any + Send + Sync>;

/// The texts of the fields that are set.
type Texts = BTreeMap<&'static str, String>;

trait Declared: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn fields(&self) -> &'static [&'static str];
    fn without_values(&self) -> Arc<dyn Declared>;
    fn read(&self, lookup: &Lookup<'_>) -> Result<AnySettings, Vec<Mistake>>;
    fn current(&self) -> Option<AnySettings>;
    fn accept(&self, settings: AnySettings, texts: Texts, tells: bool);
}

/// Settings that were read and are not in effect yet.
pub(crate) struct OwnReading {
    declared: Arc<dyn Declared>,
    settings: AnySettings,
    texts: Texts,
}

/// The settings of the type `S`.
struct Typed<S> {
    fields: &'static [&'static str],
    /// With the texts that they were read from.
    current: RwLock<Option<(Arc<S>, Texts)>>,
    listeners: Arc<Listeners<S>>,
}

impl OwnSettings {
    /// The settings of the type `S`, a struct.
    pub(super) fn of<S: DeserializeOwned + Send + Sync + 'static>() -> Self {
        let declared = Typed::<S> { fields: fields::of::<S>(), current: RwLock::default(), listeners: Arc::default() };
        Self { declared: Arc::new(declared) }
    }

    /// Settings that are in effect already, for tests of a handler.
    pub(super) fn fixed<S: DeserializeOwned + Send + Sync + 'static>(settings: S) -> Self {
        let own = Self::of::<S>();
        own.declared.accept(Arc::new(settings), Texts::new(), false);
        own
    }

    /// Calls `listener` when one of the `fields` changes.
    ///
    /// # Errors
    /// If they are settings of another type, or have no such fields.
    pub(super) fn on_change<S: DeserializeOwned + Send + Sync + 'static>(
        &self,
        fields: &[&str],
        listener: impl Fn(&S, &S) + Send + Sync + 'static,
    ) -> Result<(), String> {
        let Some(typed) = self.declared.as_any().downcast_ref::<Typed<S>>() else {
            return Err("`on_change` is for another type than the one that `settings` declares".to_owned());
        };
        if fields.is_empty() {
            return Err("`on_change` names no field, so it would never be called".to_owned());
        }
        if let Some(unknown) = fields.iter().find(|field| !typed.fields.contains(*field)) {
            return Err(format!("`on_change` is for `{unknown}`, which is no field of the settings"));
        }
        typed.listeners.add(fields, listener);
        Ok(())
    }

    /// The same declaration with values of its own: a test may run a component several times.
    pub(super) fn without_values(&self) -> Self {
        Self { declared: self.declared.without_values() }
    }

    /// The names of the fields.
    pub(crate) fn fields(&self) -> &'static [&'static str] {
        self.declared.fields()
    }

    /// Reads all fields, which are in effect once they are [accepted](OwnReading::accept).
    ///
    /// # Errors
    /// All fields that are invalid.
    pub(crate) fn read(&self, lookup: &Lookup<'_>) -> Result<OwnReading, Vec<Mistake>> {
        let settings = self.declared.read(lookup)?;
        let text = |field: &&'static str| Some((*field, lookup(field).ok().flatten()?));
        let texts = self.declared.fields().iter().filter_map(text).collect();
        Ok(OwnReading { declared: Arc::clone(&self.declared), settings, texts })
    }

    /// The settings in effect.
    pub(crate) fn current(&self) -> Option<AnySettings> {
        self.declared.current()
    }
}

impl std::fmt::Debug for OwnSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Their values may be secrets.
        formatter.debug_tuple("OwnSettings").field(&self.fields()).finish()
    }
}

impl OwnReading {
    /// Puts the settings into effect, and tells those who want to know of a change.
    pub(crate) fn accept(self) {
        self.declared.accept(self.settings, self.texts, true);
    }

    /// Puts the settings into effect with which the component starts. Nobody has used others.
    pub(crate) fn accept_first(self) {
        self.declared.accept(self.settings, self.texts, false);
    }
}

impl<S: DeserializeOwned + Send + Sync + 'static> Declared for Typed<S> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn fields(&self) -> &'static [&'static str] {
        self.fields
    }

    fn without_values(&self) -> Arc<dyn Declared> {
        let (fields, listeners) = (self.fields, Arc::clone(&self.listeners));
        Arc::new(Self { fields, current: RwLock::default(), listeners })
    }

    fn read(&self, lookup: &Lookup<'_>) -> Result<AnySettings, Vec<Mistake>> {
        fields::read::<S>(lookup).map(|settings| Arc::new(settings) as AnySettings)
    }

    fn current(&self) -> Option<AnySettings> {
        self.current.read().as_ref().map(|(settings, _)| Arc::clone(settings) as AnySettings)
    }

    fn accept(&self, settings: AnySettings, texts: Texts, tells: bool) {
        let Ok(new) = settings.downcast::<S>() else { return };
        let previous = self.current.write().replace((Arc::clone(&new), texts.clone()));
        if let Some((old, old_texts)) = previous.filter(|_| tells) {
            let fields =
                self.fields.iter().copied().filter(|field| has_changed(old_texts.get(field), texts.get(field)));
            self.listeners.tell(&Change { fields: fields.collect(), old, new });
        }
    }
}
