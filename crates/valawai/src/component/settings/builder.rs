//! Declares the settings of a component.

use serde::de::DeserializeOwned;

use super::OwnSettings;
use crate::component::Component;

impl Component {
    /// Declares settings of the component: a struct, whose fields are read like the settings of the kit. The field `model` is the
    /// environment variable `MODEL`, `model` in the configuration file, and the key `model` in Consul or etcd. A field that may be
    /// missing has a default of serde, or is an `Option`; a list is separated by commas, and everything else that is no single
    /// value is JSON.
    ///
    /// Handlers use them with [`Context::settings`](crate::Context::settings). They change while the component runs, as docs/configuration.md describes: an
    /// invalid value is reported, and the old one stays.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use serde_json::{Value, json};
    /// # use valawai::{Component, Context, Failure, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &["subscribe data/celsius", "publish data/alarm"]);
    /// #[derive(Deserialize)]
    /// struct Limits {
    ///     #[serde(default = "thirty")]
    ///     highest: f64,
    /// }
    /// # fn thirty() -> f64 { 30.0 }
    ///
    /// fn alarm(celsius: Value, context: &Context) -> Result<Option<Value>, Failure> {
    ///     let limits = context.settings::<Limits>();
    ///     Ok((celsius["value"].as_f64() > Some(limits.highest)).then_some(celsius))
    /// }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .settings::<Limits>()
    ///     .on_change(&["highest"], |old: &Limits, new: &Limits| println!("{} -> {}", old.highest, new.highest))
    ///     .on("data/celsius")
    ///     .reply_optional("data/alarm", alarm);
    /// let running = testing::run_with(&component, &[("HIGHEST", "20")]);
    /// running.publish("data/celsius", &json!({ "value": 21 }));
    /// assert_eq!(running.receive("data/alarm"), json!({ "value": 21 }));
    /// ```
    #[must_use]
    pub fn settings<S: DeserializeOwned + Send + Sync + 'static>(mut self) -> Self {
        let settings = OwnSettings::of::<S>();
        if settings.fields().is_empty() {
            self.mistakes.push("the settings need a struct with fields, none of which is flattened".to_owned());
        }
        if self.settings.replace(settings).is_some() {
            self.mistakes.push("`settings` is declared twice; put all settings into one struct".to_owned());
        }
        self
    }

    /// Calls `listener` with the old and the new [settings](Self::settings) when one of the `fields` has changed, on a thread of
    /// its own: not with those that the component starts with. A field that is not set and an empty one are the same. A panic is
    /// logged.
    #[must_use]
    pub fn on_change<S: DeserializeOwned + Send + Sync + 'static>(
        mut self,
        fields: &[&str],
        listener: impl Fn(&S, &S) + Send + Sync + 'static,
    ) -> Self {
        let added = match &self.settings {
            Some(settings) => settings.on_change(fields, listener),
            None => Err("`on_change` needs `settings` before it".to_owned()),
        };
        self.mistakes.extend(added.err());
        self
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::asyncapi::sample;

    #[derive(Deserialize)]
    struct Limits {
        #[expect(dead_code, reason = "it is read only")]
        highest: f64,
    }

    #[derive(Deserialize)]
    struct Flattened {
        #[serde(flatten)]
        #[expect(dead_code, reason = "it is read only")]
        limits: Limits,
    }

    #[test]
    fn mistakes_in_the_declaration_are_reported_by_the_check() {
        let component = || Component::new("1.0.0", sample("c1/echo", &[]));
        assert!(component().settings::<Limits>().on_change(&["highest"], |_: &Limits, _| ()).check().is_ok());
        for (component, expected) in [
            (component().settings::<f64>(), "the settings need a struct with fields"),
            (component().settings::<Flattened>(), "none of which is flattened"),
            (component().settings::<Limits>().settings::<Limits>(), "`settings` is declared twice"),
            (component().on_change(&["highest"], |_: &Limits, _| ()), "`on_change` needs `settings` before it"),
            (component().settings::<Limits>().on_change(&["highest"], |_: &Flattened, _| ()), "for another type"),
            (
                component().settings::<Limits>().on_change(&["hihgest"], |_: &Limits, _| ()),
                "`hihgest`, which is no field",
            ),
            (component().settings::<Limits>().on_change(&[], |_: &Limits, _| ()), "`on_change` names no field"),
        ] {
            let errors = component.check().map(drop).expect_err(expected).to_string();
            assert!(errors.contains(expected), "{expected:?} is not in {errors}");
        }
    }
}
