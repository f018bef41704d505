//! Who signs what clients of NATS show: an operator with one account, and a user of it.
//!
//! See the NATS documentation on "Decentralized JWT Authentication". Not here: limits, revocation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// The operator, the account and the user.
pub struct Operator {
    own: KeyPair,
    account: KeyPair,
    user: KeyPair,
}

impl Operator {
    /// One that no server knows.
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self {
            own: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            user: KeyPair::new_user(),
        }
    }

    /// What makes a server know it.
    pub fn lines(&self) -> String {
        let unlimited = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1
        });
        let operator = sign(
            &self.own,
            &self.own,
            &json!({"type": "operator", "version": 2}),
        );
        let account = sign(
            &self.own,
            &self.account,
            &json!({"type": "account", "version": 2, "limits": unlimited}),
        );
        let name = self.account.public_key();
        format!("operator: {operator}\nresolver: MEMORY\nresolver_preload {{ {name}: {account} }}")
    }

    /// The content of the user's `.creds` file.
    pub fn credentials(&self) -> String {
        let limits = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
        let jwt = sign(&self.account, &self.user, &limits);
        let seed = self.user.seed().expect("a pair has its seed");
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

/// What `issuer` says about `subject`.
fn sign(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> String {
    let head = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let claims = json!({
        "jti": "test", "iat": 1, "iss": issuer.public_key(), "sub": subject.public_key(), "name": "test", "nats": nats
    });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&head), encoded(&claims));
    let signature = issuer.sign(signed.as_bytes()).expect("a pair has its seed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
