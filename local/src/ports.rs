//! Listens on a port; if the port is in use, the error names the process that holds
//! it.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use tokio::net::TcpListener;

/// A port that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another process holds the port.
    #[error(
        "port {} on {} is in use by {holder}\nhint: stop it, or choose another port with `{flag} PORT` (0: any free port)",
        address.port(), address.ip()
    )]
    Taken {
        /// The address.
        address: SocketAddr,
        /// The process that holds the port, or "another program" if this user cannot
        /// see it.
        holder: String,
        /// The flag that chooses the port.
        flag: &'static str,
    },
    /// The system refuses for another reason.
    #[error("cannot listen on {address} ({flag}): {reason}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The flag that chooses the port.
        flag: &'static str,
        /// The system's error.
        reason: std::io::Error,
    },
}

/// Listens on `port` of `host`; 0 is any free port. An error suggests `flag`.
///
/// # Errors
///
/// The port is in use, or `host` is not an address of this machine.
pub async fn listen(host: IpAddr, port: u16, flag: &'static str) -> Result<TcpListener, PortError> {
    let address = SocketAddr::new(host, port);
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(PortError::Taken {
            address,
            holder: holder(port).unwrap_or_else(|| "another program".to_owned()),
            flag,
        }),
        Err(reason) => Err(PortError::Other {
            address,
            flag,
            reason,
        }),
    }
}

/// The process that listens on `port`, from Linux's `/proc`, which hides the
/// descriptors of other users' processes.
fn holder(port: u16) -> Option<String> {
    let socket = format!("socket:[{}]", listening_inode(port)?);
    for process in fs::read_dir("/proc").ok()?.flatten() {
        // `/proc` also has entries that are not processes, such as `self`.
        let Ok(pid) = process.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let path = process.path();
        if holds(&path, &socket) {
            let name = fs::read_to_string(path.join("comm")).ok()?;
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

fn holds(process: &Path, socket: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path()).is_ok_and(|link| link.as_os_str() == socket)
    })
}

/// The inode of the socket that listens on `port` (proc(5), `/proc/net/tcp`:
/// the second column is the local address, the fourth the state, the tenth the
/// inode).
fn listening_inode(port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| {
            table.lines().skip(1).find_map(|line| {
                let columns: Vec<_> = line.split_whitespace().collect();
                let local = columns.get(1)?.rsplit(':').next()?;
                let matches =
                    u16::from_str_radix(local, 16).ok()? == port && *columns.get(3)? == LISTEN;
                matches.then(|| columns.get(9).map(ToString::to_string))?
            })
        })
}

#[cfg(test)]
mod tests {
    use super::listen;
    use std::net::{IpAddr, Ipv4Addr};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn the_error_for_a_port_in_use_names_the_port_its_holder_and_the_flag() {
        let first = listen(LOCALHOST, 0, "--aws-port").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = listen(LOCALHOST, port, "--aws-port").await.unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("port {port} on 127.0.0.1 is in use by")),
            "{message}"
        );
        assert!(message.contains("--aws-port PORT"), "{message}");
        #[cfg(target_os = "linux")]
        assert!(
            message.contains(&format!("(pid {})", std::process::id())),
            "{message}"
        );
    }
}
