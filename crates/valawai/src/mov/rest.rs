//! The questions to the MOV's REST interface: whether it has started, whether it works, and which registrations stand.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;

use super::component_info::ComponentInfo;
use super::notice::Notice;
use crate::name::ComponentId;

/// An answer that takes longer is no answer.
const LIMIT: Duration = Duration::from_secs(1);

/// How long all the answers to one question may take together.
const LIMIT_OF_A_LIST: Duration = Duration::from_secs(3);

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// Registrations of one name that are asked for. More than one is a mistake of the past already.
const MOST_LISTED: usize = 100;

/// Asks the MOV over HTTP.
#[derive(Debug)]
pub struct Rest {
    url: String,
    agent: Agent,
}

impl Rest {
    /// Asks the MOV at `url`, as in `http://mov:8080`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build();
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into() }
    }

    /// Whether the MOV has started.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.get("/q/health/ready").is_some_and(|(status, _)| status.is_success())
    }

    /// Whether the MOV says of itself that it works; `None` when it says nothing. One that has lost its broker for too long
    /// goes on to register components, and can never tell them (its liveness is down until it is restarted).
    #[must_use]
    pub fn is_live(&self) -> Option<bool> {
        match self.get("/q/health/live")?.0 {
            status if status.is_success() => Some(true),
            StatusCode::SERVICE_UNAVAILABLE => Some(false),
            _ => None,
        }
    }

    /// Whether `id` is a live registration; `None` when the MOV gives no clear answer.
    #[must_use]
    pub fn knows(&self, id: &ComponentId) -> Option<bool> {
        match self.get(&format!("/v1/components/{id}"))?.0 {
            status if status.is_success() => Some(true),
            StatusCode::NOT_FOUND => Some(false),
            status => {
                log::debug!("the MOV answers {status} when asked for {id}");
                None
            }
        }
    }

    /// The live registrations of the name in `info`; `None` when the MOV gives no clear answer.
    #[must_use]
    pub fn registrations_of(&self, info: &ComponentInfo) -> Option<Vec<Notice>> {
        let until = Instant::now() + LIMIT_OF_A_LIST;
        let path =
            format!("/v1/components?pattern={}&type={}&offset=0&limit={MOST_LISTED}", info.name, info.level.upper());
        let (status, body) = self.get(&path)?;
        if !status.is_success() {
            log::debug!("the MOV answers {status} when asked for the registrations of {}", info.name);
            return None;
        }
        let mut found = Vec::new();
        for id in ids_in(&body, info)? {
            if Instant::now() > until {
                return None;
            }
            match self.get(&format!("/v1/components/{id}"))? {
                (status, body) if status.is_success() => found.push(notice_in(&body, info)?),
                (StatusCode::NOT_FOUND, _) => {}
                _ => return None,
            }
        }
        Some(found)
    }

    fn get(&self, path: &str) -> Option<(StatusCode, String)> {
        let answer = self.agent.get(format!("{}{path}", self.url)).call().and_then(|mut response| {
            let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string()?;
            Ok((response.status(), body))
        });
        answer.inspect_err(|error| log::debug!("the MOV does not answer at {}: {error}", self.url)).ok()
    }
}

/// The registrations of our own name on a page of all that look like it.
fn ids_in(body: &str, info: &ComponentInfo) -> Option<Vec<ComponentId>> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        components: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        name: String,
    }

    let page: Page = crate::payload::read(body.as_bytes()).ok()?;
    let own = page.components.into_iter().filter(|listed| listed.name == info.name);
    Some(own.filter_map(|listed| listed.id.parse().ok()).collect())
}

/// Over REST one field is written otherwise than in a notice.
fn notice_in(body: &str, info: &ComponentInfo) -> Option<Notice> {
    let mut whole: Value = crate::payload::read(body.as_bytes()).ok()?;
    if let Some(fields) = whole.as_object_mut()
        && let Some(version) = fields.remove("apiVersion")
    {
        fields.insert("api_version".to_owned(), version);
    }
    Notice::from_json(whole, info).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Level;

    #[test]
    fn what_the_rest_interface_tells_becomes_a_notice() {
        let channels = Vec::new();
        let info = ComponentInfo { name: "c1_echo".into(), level: Level::C1, version: "1.0.0", asyncapi: "", channels };
        let id = "65a0b1c2d3e4f5061728394a";
        let page = format!(
            r#"{{"total":2,"offset":0,"components":[{{"id":"{id}","name":"c1_echo","type":"C1"}},
                {{"id":"75a0b1c2d3e4f5061728394a","name":"c1_other","description":"c1_echo","type":"C1"}}]}}"#
        );
        assert_eq!(ids_in(&page, &info), Some(vec![id.parse().unwrap()]));
        assert_eq!(ids_in(r#"{"total":0,"offset":0}"#, &info), Some(Vec::new()));
        assert_eq!(ids_in("<html>", &info), None, "this is no page");

        let body = format!(r#"{{"id":"{id}","name":"c1_echo","type":"C1","version":"1.0.0","apiVersion":"2.0.0"}}"#);
        let notice = notice_in(&body, &info).unwrap();
        assert_eq!(notice.whole["api_version"], "2.0.0");
        assert_eq!(notice.whole.get("apiVersion"), None);
    }
}
