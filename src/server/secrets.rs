//! The house's secrets: the one that signs sessions and the box office's key, each made at the
//! first start and kept in the data folder, for its owner's eyes alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The file of the secret that signs session tokens.
const SIGNING_FILE: &str = "sign.key";

/// The file of the box office's key.
const BOX_OFFICE_FILE: &str = "box-office.key";

/// Only the owner may read or write.
const OWNER_ONLY: u32 = 0o600;

/// The secret that signs session tokens.
pub(super) fn signing_secret(folder: &Path) -> io::Result<[u8; 32]> {
    let (text, _) = kept_or_made(&folder.join(SIGNING_FILE))?;
    let mut secret = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(&text, &mut secret) {
        Ok(32) => Ok(secret),
        _ => Err(damaged(SIGNING_FILE)),
    }
}

/// The box office's key, and whether it was made just now.
pub(super) fn box_office_key(folder: &Path) -> io::Result<(String, bool)> {
    kept_or_made(&folder.join(BOX_OFFICE_FILE))
}

fn kept_or_made(path: &Path) -> io::Result<(String, bool)> {
    match fs::read_to_string(path) {
        Ok(kept) => {
            let kept = kept.trim().to_owned();
            // A key that is empty would let everybody in.
            if kept.is_empty() {
                Err(damaged(&path.display().to_string()))
            } else {
                Ok((kept, false))
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((make(path)?, true)),
        Err(error) => Err(error),
    }
}

/// Makes a secret and keeps it: written whole beside its place, then moved there, so that a crash
/// leaves all of it or none.
fn make(path: &Path) -> io::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let text = URL_SAFE_NO_PAD.encode(secret);
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&beside)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(text)
}

fn damaged(file: &str) -> io::Error {
    let sentence = format!("{file} is damaged; put its copy back, or remove it to have one made");
    io::Error::new(io::ErrorKind::InvalidData, sentence)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_then_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = signing_secret(folder.path()).expect("made");
        assert_eq!(signing_secret(folder.path()).expect("kept"), secret);
        let (key, made) = box_office_key(folder.path()).expect("made");
        assert!(made && key.len() >= crate::config::KEY_LENGTH_SAFE);
        assert_eq!(box_office_key(folder.path()).expect("kept"), (key, false));
    }

    #[test]
    fn nobody_but_the_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        signing_secret(folder.path()).expect("made");
        let mode = fs::metadata(folder.path().join(SIGNING_FILE)).expect("there").permissions();
        assert_eq!(mode.mode() & 0o777, OWNER_ONLY);
    }

    #[test]
    fn a_damaged_secret_stops_the_start_instead_of_letting_everybody_in() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(BOX_OFFICE_FILE), "\n").expect("written");
        assert!(box_office_key(folder.path()).is_err());
        fs::write(folder.path().join(SIGNING_FILE), "short").expect("written");
        assert!(signing_secret(folder.path()).is_err());
    }
}
