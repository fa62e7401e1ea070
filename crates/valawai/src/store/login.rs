//! The login of a store.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;

/// A user and the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// The value of the header `Authorization` of basic authentication.
    pub(super) fn basic(&self) -> Secret {
        let login = format!("{}:{}", self.username, self.password.reveal());
        Secret::new(format!("Basic {}", STANDARD.encode(login)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_authentication_encodes_user_and_password() {
        let login = Login { username: "mov".to_owned(), password: Secret::new("password") };
        assert_eq!(login.basic().reveal(), "Basic bW92OnBhc3N3b3Jk");
        assert!(!format!("{login:?} {:?}", login.basic()).contains("password\""), "`Debug` prints the password");
    }
}
