//! A safe that is a folder: a file for each secret, for its owner's eyes alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::log::Answer;

use super::{Safe, SafeError};

/// Only the owner may read or write.
const OWNER_ONLY: u32 = 0o600;

/// The data folder. It has one server, so nobody is between a look and a change.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Safe for Folder {
    fn kept<'a>(&'a self, name: &'a str) -> Answer<'a, Result<Option<String>, SafeError>> {
        Box::pin(std::future::ready(self.read(name).map_err(|error| self.fails(error))))
    }

    fn keep<'a>(&'a self, name: &'a str, made: &'a str) -> Answer<'a, Result<String, SafeError>> {
        Box::pin(std::future::ready(self.kept_or(name, made).map_err(|error| self.fails(error))))
    }

    fn keep_instead<'a>(
        &'a self,
        name: &'a str,
        old: &'a str,
        new: &'a str,
    ) -> Answer<'a, Result<bool, SafeError>> {
        let done = self.kept_or(name, new).and_then(|kept| {
            let is_old = kept == old;
            if is_old {
                self.write(name, new)?;
            }
            Ok(is_old)
        });
        Box::pin(std::future::ready(done.map_err(|error| self.fails(error))))
    }
}

impl Folder {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.0.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // The file's last line has an end, the secret has none.
            read => read.map(|text| Some(text.trim_end().to_owned())),
        }
    }

    fn kept_or(&self, name: &str, made: &str) -> io::Result<String> {
        if let Some(kept) = self.read(name)? {
            return Ok(kept);
        }
        self.write(name, made)?;
        Ok(made.to_owned())
    }

    /// Written whole beside its place, then moved there, so that a crash leaves all of it or none.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(name);
        let beside = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY)
            .open(&beside)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.0)?.sync_all()
    }

    fn fails(&self, source: io::Error) -> SafeError {
        SafeError::Folder { folder: self.0.clone(), source }
    }
}
