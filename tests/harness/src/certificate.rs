//! A certificate authority of our own and the certificate of a server it vouches for, as files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// The files of a server's certificate (PEM).
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Whom a phone has to trust: the authority's own certificate.
    pub authority: PathBuf,
    /// The server's certificate.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes both in `folder/name`, for these names (host names, or addresses as text).
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn make(folder: &Path, name: &str, names: &[&str]) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("the folder is ours");
        let mut ours = CertificateParams::default();
        ours.distinguished_name.push(DnType::CommonName, format!("{name}, the tests' own authority"));
        ours.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ours.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = || KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(ours, key()).expect("an authority");
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut theirs = CertificateParams::new(names).expect("names a certificate can hold");
        theirs.distinguished_name.push(DnType::CommonName, name);
        let server_key = key();
        let server = theirs.signed_by(&server_key, &authority).expect("a certificate");
        let write = |file: &str, text: String| {
            let path = folder.join(file);
            fs::write(&path, text).expect("the folder is ours");
            path
        };
        Self {
            authority: write("authority.pem", authority.pem()),
            chain: write("server.pem", server.pem()),
            key: write("server.key", server_key.serialize_pem()),
        }
    }

    /// Certificate and key in one file, as some phones want their own.
    ///
    /// # Panics
    /// When a file cannot be read or written.
    pub fn both_in_one(&self) -> PathBuf {
        let read = |path: &Path| fs::read_to_string(path).expect("we wrote it");
        let path = self.chain.with_file_name("both.pem");
        fs::write(&path, read(&self.chain) + &read(&self.key)).expect("the folder is ours");
        path
    }
}
