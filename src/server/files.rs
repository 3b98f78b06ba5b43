//! Open files: every socket is one, and systems give a process few unless it asks.

use crate::config::{FILES_BESIDE_SOCKETS, Limits, SOCKETS_FEW};

/// Raises this process's limit as far as the system allows, and lowers the limit on sockets where
/// that is not enough: a house that is full says so, one without files only fails.
pub(super) fn fit(limits: Limits) -> Limits {
    let wanted = u64::from(limits.sockets_max) + FILES_BESIDE_SOCKETS;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(files) => fit_into(limits, files),
        Err(error) => {
            tracing::warn!(%error, "the limit on open files is unknown and stays as it is");
            limits
        }
    }
}

fn fit_into(limits: Limits, files: u64) -> Limits {
    let sockets = files.saturating_sub(FILES_BESIDE_SOCKETS).max(1);
    let sockets_max = u32::try_from(sockets).unwrap_or(u32::MAX);
    if sockets_max >= limits.sockets_max {
        return limits;
    }
    let wanted = limits.sockets_max;
    if sockets_max < SOCKETS_FEW {
        tracing::warn!(
            files,
            sockets_max,
            wanted,
            "few sockets: the limit on open files is small; raise it (ulimit -n)"
        );
    } else {
        tracing::info!(files, sockets_max, wanted, "the limit on open files limits the sockets");
    }
    let sockets_per_address_max = limits.sockets_per_address_max.min(sockets_max);
    Limits { sockets_max, sockets_per_address_max, ..limits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_mean_few_sockets_and_never_none() {
        let limits = Limits::default();
        assert_eq!(fit_into(limits, u64::MAX), limits);
        assert_eq!(fit_into(limits, 1_024).sockets_max, 1_024 - 256);
        let one = fit_into(limits, 0);
        assert_eq!((one.sockets_max, one.sockets_per_address_max), (1, 1));
    }
}
