//! The setting of the routes.

use super::Problems;
use super::problems::Problem;
use super::reader::Reader;
use super::source::{Found, Source};
use crate::routes::{self, Routes};

pub(super) const NAME: &str = "QUEUE_CONFIG";

impl Reader<'_> {
    pub(super) fn routes(&mut self) -> Routes {
        match self.source.find(NAME) {
            Ok(None) => Routes::default(),
            Ok(Some(found)) => match routes::parse(&found.text, self.handlers) {
                Ok(routes) => {
                    self.add_explicit(NAME.into(), &found);
                    routes
                }
                Err(problems) => {
                    self.problems.extend(problems.iter().map(|problem| in_settings(problem, &found)));
                    Routes::default()
                }
            },
            Err(expected) => {
                self.problems.push(Problem::new(NAME, expected));
                Routes::default()
            }
        }
    }
}

fn in_settings(routes::Problem { path, expected, found }: &routes::Problem, Found { origin, .. }: &Found) -> Problem {
    Problem::new(NAME, format!("{expected} at {path}; found {found} in {origin}"))
}

/// The text of the setting, if it is set.
///
/// # Errors
/// What was expected.
pub fn read_routes_text(source: &dyn Source) -> Result<Option<String>, Problems> {
    let found = source.find(NAME).map_err(|expected| Problems(vec![Problem::new(NAME, expected)]))?;
    Ok(found.map(|found| found.text))
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    #[test]
    fn all_problems_of_the_routes_are_reported_with_those_of_other_settings() {
        let routes = r#"[{"name": "a", "type": "consumer", "port": "hunter2"}, {"name": "b", "type": "sender"}]"#;
        let problems = Settings::read_for(&[("QUEUE_CONFIG", routes), ("WORKERS", "x")], &[]).unwrap_err().to_string();
        for expected in [
            "WORKERS: expected",
            "QUEUE_CONFIG: expected a number from 1 to 65535 at queue_config[0].port; found another text in the environment",
            "at queue_config[0].queue; found nothing",
            "at queue_config[0].handler; found nothing",
            "expected `consumer` or `producer` at queue_config[1].type",
        ] {
            assert!(problems.contains(expected), "{problems} do not contain {expected:?}");
        }
        assert!(!problems.contains("hunter2"), "{problems}");
    }

    #[test]
    fn the_effective_setting_has_no_password() {
        let routes =
            r#"[{"name": "a", "type": "producer", "queue": "q", "auth": {"user": "me", "password": "hunter2"}}]"#;
        let settings = Settings::read(&[("QUEUE_CONFIG", routes)]).unwrap();
        assert_eq!(settings.routes.producers[0].name, "a");
        let text = format!("{settings:?}");
        assert!(!text.contains("hunter2"), "{text}");
        let shown = settings.effective.iter().find(|it| it.name == "QUEUE_CONFIG").unwrap();
        assert!(shown.value.contains(r#""user":"me""#), "{}", shown.value);
    }
}
