//! Opens a URL in the browser that the system has for it.

use std::process::{Command, Stdio};

/// What opens a URL.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Opens `url`, and says so where that is not possible: everything else works without.
pub(super) fn open(url: &str) {
    let opened = Command::new(OPENER)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match opened {
        // It ends when the browser has the URL.
        Ok(mut opener) => drop(std::thread::spawn(move || opener.wait())),
        Err(error) => {
            eprintln!("error: {OPENER} cannot be started: {error}\nhint: open {url} in a browser");
        }
    }
}
