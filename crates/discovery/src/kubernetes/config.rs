//! What of a kubeconfig is understood. Not here: merging several, and writing any.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::error::Error;
use crate::kubernetes::access::{Description, no_pem, read as read_file, read_token, unclear};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kubeconfig {
    #[serde(default)]
    current_context: String,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    #[serde(default)]
    clusters: Vec<NamedCluster>,
    #[serde(default)]
    users: Vec<NamedUser>,
}

#[derive(Debug, Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Debug, Deserialize)]
struct Context {
    cluster: String,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    tls_server_name: Option<String>,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: Option<bool>,
    proxy_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    client_certificate: Option<String>,
    client_certificate_data: Option<String>,
    client_key: Option<String>,
    client_key_data: Option<String>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
    username: Option<IgnoredAny>,
}

/// Reads a kubeconfig and the files that it names, which lie next to it unless they say otherwise.
pub(super) fn read(path: &Path, context: Option<&str>) -> Result<Description, Error> {
    let mut config = parsed(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let context = config.context(context)?;
    let cluster = config.cluster(&context.cluster)?;
    let user = context.user.map(|name| config.user(&name)).transpose()?;
    describe(cluster, user.unwrap_or_default(), folder)
}

/// The namespace of a context: the one that it names, or else the one that every cluster has.
pub(super) fn namespace(path: &Path, context: Option<&str>) -> Result<String, Error> {
    let context = parsed(path)?.context(context)?;
    let named = context.namespace.filter(|name| !name.is_empty());
    Ok(named.unwrap_or_else(|| "default".to_owned()))
}

fn parsed(path: &Path) -> Result<Kubeconfig, Error> {
    let text = read_file(path.to_owned())?;
    let text = String::from_utf8_lossy(&text);
    serde_yaml::from_str(&text).map_err(|error| Error::ApiConfig(Box::new(error)))
}

impl Kubeconfig {
    fn context(&mut self, wanted: Option<&str>) -> Result<Context, Error> {
        let wanted = wanted.unwrap_or(&self.current_context);
        let found = self.contexts.drain(..).find(|named| named.name == wanted);
        found.map_or_else(|| Err(lacks("context", wanted)), |named| Ok(named.context))
    }

    fn cluster(&mut self, wanted: &str) -> Result<Cluster, Error> {
        let found = self.clusters.drain(..).find(|named| named.name == wanted);
        found.map_or_else(|| Err(lacks("cluster", wanted)), |named| Ok(named.cluster))
    }

    fn user(&mut self, wanted: &str) -> Result<User, Error> {
        let found = self.users.drain(..).find(|named| named.name == wanted);
        let named = found.ok_or_else(|| lacks("user", wanted))?;
        Ok(named.user.unwrap_or_default())
    }
}

fn lacks(what: &str, name: &str) -> Error {
    unclear(&format!("the kubeconfig has no {what} {name:?}"))
}

fn describe(cluster: Cluster, user: User, folder: &Path) -> Result<Description, Error> {
    for (is_there, name) in [
        (
            cluster.insecure_skip_tls_verify == Some(true),
            "insecure-skip-tls-verify",
        ),
        (cluster.proxy_url.is_some(), "proxy-url"),
        (user.exec.is_some(), "exec"),
        (user.auth_provider.is_some(), "auth-provider"),
        (user.username.is_some(), "username"),
    ] {
        if is_there {
            return Err(unclear(&format!(
                "the kubeconfig's {name} is not supported"
            )));
        }
    }
    let pem = |data: &Option<String>, file: &Option<String>, name| {
        pem(data.as_deref(), file.as_deref(), folder, name)
    };
    let authority = pem(
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
        "certificate-authority-data",
    )?;
    let certificate = pem(
        &user.client_certificate_data,
        &user.client_certificate,
        "client-certificate-data",
    )?;
    let key = pem(&user.client_key_data, &user.client_key, "client-key-data")?;
    let token = match user.token_file {
        Some(file) => Some(read_token(folder.join(file))?),
        None => user.token,
    };
    Ok(Description {
        server: cluster.server,
        server_name: cluster.tls_server_name,
        authority,
        token,
        certificate: certificate.zip(key),
    })
}

/// What a field has, or the file that another names; the former counts.
fn pem(
    data: Option<&str>,
    file: Option<&str>,
    folder: &Path,
    name: &str,
) -> Result<Option<Vec<u8>>, Error> {
    match (data, file) {
        (Some(data), _) => decode(data, name).map(Some),
        (None, Some(file)) => read_file(folder.join(file)).map(Some),
        (None, None) => Ok(None),
    }
}

/// Base64. The decoder at hand is the one of PEM, which does not look at what it decodes.
fn decode(data: &str, name: &str) -> Result<Vec<u8>, Error> {
    let framed = format!("-----BEGIN CERTIFICATE-----\n{data}\n-----END CERTIFICATE-----\n");
    CertificateDer::from_pem_slice(framed.as_bytes())
        .map(|bytes| bytes.to_vec())
        .map_err(|error| no_pem(name, &error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
preferences: {}
current-context: here
contexts:
- {name: here, context: {cluster: one, user: me, namespace: chat}}
- {name: there, context: {cluster: two, user: robot}}
- {name: plugin, context: {cluster: two, user: plugin}}
clusters:
- {name: one, cluster: {server: 'https://one', certificate-authority-data: aGVsbG8gd29ybGQ=}}
- {name: two, cluster: {server: 'https://two', certificate-authority: ca.pem, tls-server-name: k8s}}
users:
- {name: me, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}
- {name: robot, user: {token: old, tokenFile: token}}
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}}
";

    fn read_two(context: Option<&str>) -> Result<Description, Error> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), TWO).unwrap();
        fs::write(folder.path().join("ca.pem"), "authority").unwrap();
        fs::write(folder.path().join("token"), "new\n").unwrap();
        read(&folder.path().join("config"), context)
    }

    #[test]
    fn the_current_context_is_taken_and_its_data_decoded() {
        let description = read_two(None).unwrap();
        assert_eq!(description.server, "https://one");
        assert_eq!(description.authority.unwrap(), b"hello world");
        assert_eq!(
            description.certificate.unwrap(),
            (b"cert".to_vec(), b"key".to_vec())
        );
    }

    #[test]
    fn another_context_is_taken_by_name_and_its_files_read() {
        let description = read_two(Some("there")).unwrap();
        assert_eq!(description.server_name.as_deref(), Some("k8s"));
        assert_eq!(description.authority.unwrap(), b"authority");
        assert_eq!(description.token.as_deref(), Some("new"));
    }

    #[test]
    fn a_context_has_a_namespace_or_the_default_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, TWO).unwrap();
        assert_eq!(namespace(&path, None).unwrap(), "chat");
        assert_eq!(namespace(&path, Some("there")).unwrap(), "default");
        fs::write(&path, TWO.replace("namespace: chat", "namespace: ''")).unwrap();
        assert_eq!(namespace(&path, None).unwrap(), "default");
        assert!(namespace(&path, Some("nowhere")).is_err());
        assert!(namespace(&folder.path().join("none"), None).is_err());
    }

    #[test]
    fn what_is_not_there_or_not_supported_is_said() {
        for (context, said) in [("nowhere", "no context \"nowhere\""), ("plugin", "exec")] {
            let error = read_two(Some(context)).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.reason(), "api_access");
        }
    }

    #[test]
    fn data_is_decoded_whatever_its_length() {
        assert_eq!(
            decode(&"QUJD".repeat(2000), "data").unwrap(),
            b"ABC".repeat(2000)
        );
        assert!(decode("no base64!", "data").is_err());
    }
}
