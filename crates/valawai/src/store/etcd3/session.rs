//! Requests with a token, which etcd issues for a login and forgets after some minutes.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::secret::Secret;
use crate::store::Error;
use crate::store::entries::{Invalid, read_object};
use crate::store::http::{Answer, Http, Request, SecretHeader};
use crate::store::login::Login;

const AUTHENTICATE: &str = "/v3/auth/authenticate";

/// The code of gRPC for a request that does not fit the state of the server: authentication is off.
const FAILED_PRECONDITION: u64 = 9;

/// Calls etcd, logged in if there is a login.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) http: Http,
    login: Option<Login>,
    token: Token,
}

#[derive(Debug)]
enum Token {
    Unknown,
    /// The server has no authentication.
    NotNeeded,
    Known(Secret),
}

impl Session {
    pub(super) fn new(http: Http, login: Option<Login>) -> Self {
        Self { http, login, token: Token::Unknown }
    }

    /// The header with the token of the last call.
    pub(super) fn token(&self) -> Option<SecretHeader> {
        let Token::Known(token) = &self.token else { return None };
        Some(("Authorization", token.clone()))
    }

    /// Posts JSON. If the token is refused, authenticates again.
    pub(super) fn call(&mut self, path: &str, json: &Value, deadline: Instant) -> Result<Answer, Error> {
        let had_token = !matches!(self.token, Token::Unknown);
        let answer = self.call_once(path, json, deadline)?;
        // 401: the token expired, or the password was changed. 400: authentication was turned on, or users or roles were
        // changed.
        if had_token && self.login.is_some() && matches!(answer.status, 400 | 401) {
            self.token = Token::Unknown;
            return self.call_once(path, json, deadline);
        }
        Ok(answer)
    }

    fn call_once(&mut self, path: &str, json: &Value, deadline: Instant) -> Result<Answer, Error> {
        if let (Token::Unknown, Some(login)) = (&self.token, &self.login) {
            self.token = self.authenticate(login, deadline)?;
        }
        let token = self.token();
        let request = Request { path, login: token.as_ref(), json: Some(json.clone()), deadline };
        self.http.call(&request)
    }

    fn authenticate(&self, login: &Login, deadline: Instant) -> Result<Token, Error> {
        let json = json!({ "name": login.username, "password": login.password.reveal() });
        let request = Request { path: AUTHENTICATE, login: None, json: Some(json), deadline };
        let answer = self.http.call(&request)?;
        match answer.status {
            200 => match parse(&answer.body) {
                Ok(token) => Ok(Token::Known(token)),
                Err(invalid) => Err(self.http.invalid(&request, invalid)),
            },
            _ if code(&answer.body) == Some(FAILED_PRECONDITION) => Ok(Token::NotNeeded),
            status => {
                let is_refused = matches!(status, 400 | 401 | 403);
                let remedy = is_refused.then(|| "the user or the password is wrong".to_owned());
                Err(self.http.status(&request, status, remedy))
            }
        }
    }
}

/// The token in the answer to a login.
fn parse(body: &[u8]) -> Result<Secret, Invalid> {
    #[derive(Deserialize)]
    struct Granted {
        token: String,
    }

    let Granted { token } = read_object(body)?;
    let is_visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible { Ok(Secret::new(token)) } else { Err(Invalid::Other("a token that is no text")) }
}

/// The code of gRPC in an error.
fn code(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Refused {
        code: u64,
    }

    read_object(body).ok().map(|Refused { code }| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read() {
        let token = parse(br#"{"header":{"revision":"1"},"token":"abc.7"}"#).unwrap();
        assert_eq!(token.reveal(), "abc.7");
        for body in ["", "{}", r#"{"token":""}"#, r#"{"token":"a\nb"}"#, r#"{"token":7}"#] {
            assert!(parse(body.as_bytes()).is_err(), "{body} was accepted");
        }
    }

    #[test]
    fn the_code_of_an_error_is_read() {
        let body = br#"{"error":"etcdserver: authentication is not enabled","code":9}"#;
        assert_eq!(code(body), Some(FAILED_PRECONDITION));
        assert_eq!(code(b"<html>"), None);
    }
}
