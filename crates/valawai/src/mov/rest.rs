//! A client of the MOV's REST interface: whether the MOV has started, whether it works, and which registrations are
//! live.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;

use super::component_info::ComponentInfo;
use super::notice::Notice;
use crate::name::Id;
use crate::tls;
use crate::tls::https::{self, Https};

/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The time limit of all requests for a list of registrations.
const LIST_TIMEOUT: Duration = Duration::from_secs(3);

/// The largest response that is read, in bytes.
const MAX_RESPONSE_BYTES: u64 = 4 * 1024 * 1024;

/// The maximum number of registrations that are requested.
const MAX_LISTED: usize = 100;

/// How to reach the MOV's REST interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The address, as in `http://mov:8080`.
    pub url: String,
    /// Whom to trust if it begins with `https`.
    pub tls: tls::Options,
}

/// Queries the MOV over HTTP.
#[derive(Debug)]
pub struct RestClient {
    url: String,
    agent: Agent,
    https: Https,
}

impl RestClient {
    /// A client of the MOV.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self::with_timeout(options, TIMEOUT)
    }

    /// The same with another time limit for each request.
    #[must_use]
    pub fn with_timeout(Options { url, tls }: &Options, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build();
        let tls = url.starts_with("https").then(|| tls.clone());
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into(), https: Https::new(tls) }
    }

    /// Whether the MOV has started.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.get("/q/health/ready").is_some_and(|(status, _)| status.is_success())
    }

    /// Whether the MOV reports that it works; `None` without a clear response. A MOV that lost its broker for too long
    /// still registers components but can no longer notify them. Its liveness is down until it is restarted.
    #[must_use]
    pub fn is_live(&self) -> Option<bool> {
        match self.get("/q/health/live")?.0 {
            status if status.is_success() => Some(true),
            StatusCode::SERVICE_UNAVAILABLE => Some(false),
            _ => None,
        }
    }

    /// Whether `id` is a live registration; `None` without a clear response.
    #[must_use]
    pub fn is_registered(&self, id: &Id) -> Option<bool> {
        match self.get(&format!("/v1/components/{id}"))?.0 {
            status if status.is_success() => Some(true),
            StatusCode::NOT_FOUND => Some(false),
            status => {
                log::debug!("the MOV responded {status} to the request for {id}");
                None
            }
        }
    }

    /// The live registrations of the component's name; `None` without a clear response.
    #[must_use]
    pub fn registrations_of(&self, info: &ComponentInfo) -> Option<Vec<Notice>> {
        let deadline = Instant::now() + LIST_TIMEOUT;
        let path =
            format!("/v1/components?pattern={}&type={}&offset=0&limit={MAX_LISTED}", info.name, info.level.upper());
        let (status, body) = self.get(&path)?;
        if !status.is_success() {
            log::debug!("the MOV responded {status} to the request for the registrations of {}", info.name);
            return None;
        }
        let mut live = Vec::new();
        for id in parse_ids(&body, info)? {
            if Instant::now() > deadline {
                return None;
            }
            match self.get(&format!("/v1/components/{id}"))? {
                (status, body) if status.is_success() => live.push(parse_component(&body, info)?),
                (StatusCode::NOT_FOUND, _) => {}
                _ => return None,
            }
        }
        Some(live)
    }

    /// The JSON at `path`; `None` if there is nothing.
    ///
    /// # Errors
    /// Why there is no clear response.
    pub fn fetch(&self, path: &str) -> Result<Option<Value>, String> {
        let url = &self.url;
        match self.try_get(path).map_err(|error| format!("the MOV does not respond at {url}: {error}"))? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) if status.is_success() => {
                let json = serde_json::from_str(&body);
                json.map(Some).map_err(|error| format!("the MOV responded no JSON at {url}{path}: {error}"))
            }
            (status, _) => Err(format!("the MOV responded {status} at {url}{path}")),
        }
    }

    fn get(&self, path: &str) -> Option<(StatusCode, String)> {
        let response = self.try_get(path);
        response.inspect_err(|error| log::debug!("the MOV does not respond at {}: {error}", self.url)).ok()
    }

    fn try_get(&self, path: &str) -> Result<(StatusCode, String), String> {
        let tls = self.https.config().map_err(|error| error.to_string())?;
        let request = self.agent.get(format!("{}{path}", self.url)).config().tls_config(tls).build();
        let answer = request.call().and_then(|mut response| {
            let body = response.body_mut().with_config().limit(MAX_RESPONSE_BYTES).read_to_string()?;
            Ok((response.status(), body))
        });
        let (status, body) = answer.map_err(|error| self.https.failure(&error).unwrap_or_else(|| error.to_string()))?;
        if status == StatusCode::BAD_REQUEST && https::is_wanted(body.as_bytes()) {
            return Err("it wants https; let MOV_URL begin with https://".to_owned());
        }
        Ok((status, body))
    }
}

/// The registrations with exactly the component's name. The MOV also lists those whose name or description contains it.
fn parse_ids(body: &str, info: &ComponentInfo) -> Option<Vec<Id>> {
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

/// Parses a component. Its JSON is that of a notice, except for the name of one field.
fn parse_component(body: &str, info: &ComponentInfo) -> Option<Notice> {
    let mut json: Value = crate::payload::read(body.as_bytes()).ok()?;
    if let Some(fields) = json.as_object_mut()
        && let Some(version) = fields.remove("apiVersion")
    {
        fields.insert("api_version".to_owned(), version);
    }
    Notice::from_json(json, info).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    #[test]
    fn a_page_is_parsed_into_the_identifiers_of_the_component() {
        let info = ComponentInfo::example();
        let page = format!(
            r#"{{"total":2,"offset":0,"components":[{{"id":"{ID}","name":"c1_echo","type":"C1"}},
                {{"id":"75a0b1c2d3e4f5061728394a","name":"c1_other","description":"c1_echo","type":"C1"}}]}}"#
        );
        assert_eq!(parse_ids(&page, &info), Some(vec![ID.parse().unwrap()]));
        assert_eq!(parse_ids(r#"{"total":0,"offset":0}"#, &info), Some(Vec::new()));
        assert_eq!(parse_ids("<html>", &info), None);
    }

    #[test]
    fn a_component_is_parsed_into_a_notice() {
        let body = format!(r#"{{"id":"{ID}","name":"c1_echo","type":"C1","version":"1.0.0","apiVersion":"2.0.0"}}"#);
        let notice = parse_component(&body, &ComponentInfo::example()).unwrap();
        assert_eq!(notice.json["api_version"], "2.0.0");
        assert_eq!(notice.json.get("apiVersion"), None);
    }
}
