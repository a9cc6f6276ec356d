//! One `bootstrap` process and all that it starts: started, listened to, and ended.
//!
//! Each process runs in the process group of a watchdog of its own, a shell that reads a pipe
//! from this process. When this process ends, however that happens (`SIGKILL` included), the
//! pipe closes and the watchdog kills the group: the pipe works on Linux and on macOS, and
//! needs no code between `fork` and `exec`. The watchdog leads the group, so the group's id
//! stays valid until the last of it is gone.
//!
//! A program that leaves the group (`setsid`) is found by an environment variable that it
//! inherited, where there is `/proc` (Linux). On macOS, and when it has cleared its
//! variables, it survives.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use time::OffsetDateTime;
use tokio::{
    process::{Child, Command},
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    log::{LogLine, LogWriter},
    memory::PeakMemory,
    output::Output,
    pipe::{LineSink, Pipe},
    platform_log::PlatformLog,
};

/// How long a program may still be open for writing: a build is about to close it, or a process
/// that this one starts has its open files until its exec.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// How long a process outside the group may hold the output open.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// Waits until its input closes, then kills what has the variable `$1` and its own group.
const WATCHDOG: &str = r#"trap '' HUP INT TERM
read -r _
if [ -d /proc/1 ]; then
  grep -lszxF -e "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
    kill -KILL "$pid"
  done
fi
kill -KILL 0"#;

/// What to run.
pub(super) struct Program<'a> {
    pub(super) executable: &'a Path,
    pub(super) arguments: &'a [OsString],
    pub(super) folder: &'a Path,
    /// Its whole environment.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// The name of a variable whose value no other process tree has.
    pub(super) marker: &'a str,
    pub(super) function: Arc<str>,
    /// The execution environment's number.
    pub(super) environment: u64,
    /// Gets each line, beside the writer.
    pub(super) platform: &'a Arc<PlatformLog>,
}

/// A running process and its group. Dropping it kills the group.
pub(super) struct Process {
    id: Pid,
    group: Group,
    ended: watch::Receiver<Option<ExitStatus>>,
    output: Output,
}

/// A process group, until it is gone and its id may name another.
#[derive(Debug, Clone)]
struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    fn signal(&self, signal: Signal) {
        let group = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = *group {
            // The only possible error is that all of its processes have ended.
            let _ = killpg(group, signal);
        }
    }

    /// Kills the group and forgets its id.
    fn end(&self) {
        self.signal(Signal::SIGKILL);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Process {
    /// Starts a program, once nobody has it open for writing.
    ///
    /// # Errors
    ///
    /// The program or its watchdog cannot be started.
    pub(super) async fn start(program: &Program<'_>, log: &LogWriter) -> io::Result<Self> {
        let value = program.variables.get(program.marker);
        let marker = format!("{}={}", program.marker, value.map_or("", String::as_str));
        let watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "lambda-host-watchdog", &marker])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let group = process_id(&watchdog)?;
        let mut command = Command::new(program.executable);
        command
            .args(program.arguments)
            .current_dir(program.folder)
            .env_clear()
            .envs(program.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(group.as_raw())
            .kill_on_drop(true);
        let mut child = spawn_once_written(&mut command).await?;
        let id = process_id(&child)?;
        let group = Group(Arc::new(Mutex::new(Some(group))));
        let output = Output::default();
        let mut pipes = Vec::new();
        if let Some(out) = child.stdout.take() {
            let sink = line_sink(program, log, &output);
            pipes.push(Pipe::new(out.into_owned_fd()?, sink)?);
        }
        if let Some(err) = child.stderr.take() {
            let sink = line_sink(program, log, &output);
            pipes.push(Pipe::new(err.into_owned_fd()?, sink)?);
        }
        program.platform.follow(pipes.clone(), PeakMemory::of(id));
        let outputs = pipes.into_iter().map(|pipe| tokio::spawn(pipe.run()));
        let outputs = outputs.collect();
        let (tell, ended) = watch::channel(None);
        tokio::spawn(end(child, watchdog, group.clone(), marker, outputs, tell));
        Ok(Self {
            id,
            group,
            ended,
            output,
        })
    }

    /// Waits until the process has ended and its group is gone; `None` where its status is
    /// not known.
    pub(super) fn ended(&self) -> impl Future<Output = Option<ExitStatus>> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(status) => *status,
                Err(_) => None,
            }
        }
    }

    /// Whether the process has ended, also when nobody has noticed yet.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.ended.has_changed().is_err() || is_zombie(self.id)
    }

    /// What it writes.
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Ends the process and all that it started, at once.
    pub(super) fn kill(&self) {
        self.group.signal(Signal::SIGKILL);
    }

    /// Asks the process to end, and kills it if it has not after `grace`.
    pub(super) async fn shut_down(&self, grace: Duration) {
        self.group.signal(Signal::SIGTERM);
        if timeout(grace, self.ended()).await.is_err() {
            self.kill();
            self.ended().await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the end of a process, and ends what it leaves behind.
async fn end(
    mut child: Child,
    mut watchdog: Child,
    group: Group,
    marker: String,
    outputs: Vec<tokio::task::JoinHandle<()>>,
    tell: watch::Sender<Option<ExitStatus>>,
) {
    let status = child.wait().await;
    // Lambda ends an execution environment with its runtime. The watchdog is reaped after
    // this, so that the group's id names nothing else before.
    group.end();
    let _ = watchdog.wait().await;
    let _ = tokio::task::spawn_blocking(move || kill_marked(marker.as_bytes())).await;
    // What it wrote last explains why it ended, so that is read first.
    for output in outputs {
        let _ = timeout(LAST_OUTPUT, output).await;
    }
    let _ = tell.send(status.ok());
}

/// Kills what has left the group, by a variable that it inherited. Does nothing where there
/// is no `/proc`.
fn kill_marked(marker: &[u8]) {
    // What is found may have started another since.
    for _ in 0..3 {
        let mut found = false;
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = process.file_name().to_str().and_then(|id| id.parse().ok());
            let Some(id) = id else { continue };
            let environ = std::fs::read(process.path().join("environ")).unwrap_or_default();
            if environ.split(|byte| *byte == 0).any(|one| one == marker) {
                found |= kill(Pid::from_raw(id), Signal::SIGKILL).is_ok();
            }
        }
        if !found {
            return;
        }
    }
}

/// Whether a child has ended and nobody has reaped it.
#[cfg(target_os = "linux")]
fn is_zombie(child: Pid) -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(child), flags), Ok(WaitStatus::StillAlive))
}

#[cfg(not(target_os = "linux"))]
fn is_zombie(_: Pid) -> bool {
    false
}

/// Only the program is tried again: a watchdog of each attempt would end what a later one has
/// started, which has the same marker.
async fn spawn_once_written(command: &mut Command) -> io::Result<Child> {
    let began = Instant::now();
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy
                    && began.elapsed() <= WRITTEN_WITHIN =>
            {
                sleep(PAUSE).await;
            }
            spawned => return spawned,
        }
    }
}

fn process_id(child: &Child) -> io::Result<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id.ok_or_else(|| io::Error::other("it ended at once"))?;
    Ok(Pid::from_raw(id))
}

/// Passes on each line of an output.
fn line_sink(program: &Program<'_>, log: &LogWriter, output: &Output) -> LineSink {
    let (function, environment) = (program.function.clone(), program.environment);
    let (log, output) = (log.clone(), output.clone());
    // The log holds the pipes, and lives until the process has ended and they are read.
    let platform = Arc::downgrade(program.platform);
    Box::new(move |line| {
        output.add(line);
        if let Some(platform) = platform.upgrade() {
            platform.line(line);
        }
        let at = OffsetDateTime::now_utc();
        // Lambda's runtimes end the lines of one log event, such as a stack trace, with a
        // carriage return. A terminal would write them over each other.
        for text in line.split('\r') {
            log.write(LogLine {
                function: function.clone(),
                environment,
                at,
                text: text.to_owned(),
            });
        }
    })
}
