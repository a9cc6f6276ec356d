//! Removes what a command leaves behind: the processes that it started, and a folder.
//!
//! A shell waits for this process on a pipe. When the pipe closes, by
//! [`Leftovers::remove`] or because this process has ended in any way (`SIGKILL`
//! included), the shell kills every process with this run's variable, which children
//! inherit, and removes the folder. Processes are found in `/proc` (Linux); elsewhere only
//! the command itself is killed.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::timeout,
};
use uuid::Uuid;

/// The variable that marks a run's processes.
const VARIABLE: &str = "LOCAL_EXEC_ID";

/// How long removing may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// `$1` is the variable with its value, `$2` the folder. The first line of input is the
/// command's process id, the second says that it has ended.
const WATCHDOG: &str = r#"trap '' HUP INT TERM
read -r pid
read -r ended
if [ -d /proc/1 ]; then
  grep -lszxF -e "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
    kill -KILL "$pid"
  done
elif [ -n "$pid" ] && [ -z "$ended" ]; then
  kill -KILL "$pid"
fi
rm -rf "$2""#;

/// What is to be removed.
pub struct Leftovers {
    watchdog: Child,
    pipe: ChildStdin,
    id: String,
}

impl Leftovers {
    /// Removes `folder` and the marked processes when this process ends, at the latest.
    ///
    /// # Errors
    ///
    /// The shell cannot be started.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let id = Uuid::new_v4().to_string();
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "local-watchdog"])
            .arg(format!("{VARIABLE}={id}"))
            .arg(folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A terminal's Ctrl-C is not for it.
            .process_group(0)
            .spawn()?;
        let pipe = watchdog.stdin.take();
        let pipe = pipe.ok_or_else(|| io::Error::other("the watchdog has no input"))?;
        Ok(Self { watchdog, pipe, id })
    }

    /// Marks the command, and all that it starts.
    pub fn mark(&self, command: &mut Command) {
        command.env(VARIABLE, &self.id);
    }

    /// The marked command runs under this id.
    pub async fn runs(&mut self, pid: Option<u32>) {
        let pid = pid.map_or(String::new(), |pid| pid.to_string());
        self.tell(&pid).await;
    }

    /// Removes everything: call it when the command has ended.
    pub async fn remove(mut self) {
        self.tell("ended").await;
        drop(self.pipe);
        // A watchdog that takes longer goes on by itself.
        let _ = timeout(PATIENCE, self.watchdog.wait()).await;
    }

    async fn tell(&mut self, line: &str) {
        // An error means that the watchdog was killed: nothing is left to tell.
        let _ = self.pipe.write_all(format!("{line}\n").as_bytes()).await;
    }
}
