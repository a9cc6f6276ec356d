//! One `bootstrap` process: started, listened to, and ended.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
    sync::watch,
    time::{sleep, timeout},
};

use super::log::{LogLine, LogSink, TAIL};

/// Lines kept for the message about a process that ended.
const LAST_LINES: usize = 20;

/// A pipe in which nothing has come for so long is taken to be empty.
const QUIET: Duration = Duration::from_millis(5);

/// Longest line kept whole, bytes; a longer one is shown in pieces.
const MAX_LINE: u64 = 256 * 1024;

/// A running process, its own process group. Dropping it kills the group.
pub struct Process {
    group: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
    said: Arc<Mutex<Said>>,
}

/// The end of what a process has written.
#[derive(Default)]
struct Said {
    lines: VecDeque<String>,
    /// The last [`TAIL`] bytes since an invocation began.
    tail: VecDeque<u8>,
    /// How many lines there were, ever.
    count: u64,
}

impl Process {
    /// Starts `program` with `variables` as its whole environment.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(
        program: &Path,
        folder: &Path,
        variables: &BTreeMap<String, String>,
        function: &Arc<str>,
        environment: u64,
        log: &LogSink,
    ) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .current_dir(folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(id.ok_or_else(|| std::io::Error::other("it ended at once"))?);
        let said = Arc::new(Mutex::new(Said::default()));
        let pump = LinePump {
            function: function.clone(),
            environment,
            log: log.clone(),
            said: said.clone(),
        };
        let outputs = [
            child
                .stdout
                .take()
                .map(|out| tokio::spawn(pump.clone().run(out))),
            child.stderr.take().map(|err| tokio::spawn(pump.run(err))),
        ];
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            // What it wrote last explains why it ended, so that is read first.
            // A grandchild may hold the pipes open; it is not waited for.
            for output in outputs.into_iter().flatten() {
                let _ = timeout(Duration::from_millis(200), output).await;
            }
            let _ = tell.send(status.ok());
        });
        Ok(Self { group, ended, said })
    }

    /// Waits until the process has ended; none where its status is not known.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(status) => *status,
            Err(_) => None,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.ended.has_changed().is_err()
    }

    /// The lines that it wrote last.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        lock(&self.said).lines.iter().cloned().collect()
    }

    /// Forgets what [`Process::tail`] would give.
    pub fn begin_tail(&self) {
        lock(&self.said).tail.clear();
    }

    /// The last bytes that it wrote since [`Process::begin_tail`], once all that
    /// it has written has come through its pipes.
    pub async fn tail(&self) -> Vec<u8> {
        let mut count = lock(&self.said).count;
        loop {
            sleep(QUIET).await;
            let said = lock(&self.said);
            if said.count == count {
                return said.tail.iter().copied().collect();
            }
            count = said.count;
        }
    }

    /// Ends the process and all that it started, at once.
    pub fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Asks the process to end, and kills it if it has not after `grace`.
    pub async fn shut_down(&self, grace: Duration) {
        self.signal(Signal::SIGTERM);
        if timeout(grace, self.ended()).await.is_err() {
            self.kill();
            self.ended().await;
        }
    }

    fn signal(&self, signal: Signal) {
        if !self.has_ended() {
            // The one error possible is that it has ended since.
            let _ = killpg(self.group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Hands each line of an output on, and keeps the last ones.
#[derive(Clone)]
struct LinePump {
    function: Arc<str>,
    environment: u64,
    log: LogSink,
    said: Arc<Mutex<Said>>,
}

impl LinePump {
    async fn run(self, output: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut piece = tokio::io::AsyncReadExt::take(&mut reader, MAX_LINE);
            match piece.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.line(String::from_utf8_lossy(&line).trim_end().to_owned()),
            }
        }
    }

    fn line(&self, text: String) {
        lock(&self.said).add(&text);
        (self.log)(LogLine {
            function: self.function.clone(),
            environment: self.environment,
            text,
        });
    }
}

impl Said {
    fn add(&mut self, line: &str) {
        self.count += 1;
        if self.lines.len() == LAST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
        self.tail.extend(line.bytes().chain([b'\n']));
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}
