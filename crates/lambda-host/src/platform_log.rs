//! The events that Lambda writes around the lines of a function: `INIT_START`, START, END and
//! REPORT, as text or as JSON (Lambda developer guide, "Log formats" and "Telemetry API Event
//! schema reference").

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use super::{
    FunctionConfig,
    log_streams::{LogFormat, LogStream, LogStreams},
    memory::PeakMemory,
    pipe::{Lines, Pipe},
};

/// The log of one execution environment.
pub(super) struct PlatformLog {
    /// Where the time comes from.
    streams: Option<Arc<dyn LogStreams>>,
    stream: Option<Box<dyn LogStream>>,
    format: LogFormat,
    memory_mb: u32,
    timeout: Duration,
    /// Such as `python:3.13`.
    runtime: String,
    /// The process's stdout and stderr, and its memory.
    process: OnceLock<(Vec<Pipe>, PeakMemory)>,
    /// How long init took, until the first invocation has begun.
    init: Mutex<Init>,
    timed_out: AtomicBool,
}

/// The init, and the invocation whose REPORT has it.
#[derive(Default)]
struct Init {
    took: Option<Duration>,
    first: Option<String>,
}

/// How an invocation ended, as REPORT has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending<'a> {
    /// The runtime has answered.
    Answered,
    /// The runtime has reported an error.
    Failed,
    /// The process has ended, with this status.
    Exited(&'a str),
}

/// What REPORT says of an invocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) took: Duration,
    pub(super) memory_mb: u32,
    /// The process's peak, MB.
    pub(super) max_memory_mb: Option<u32>,
    /// How long init took, in the first invocation of an environment.
    pub(super) init: Option<Duration>,
}

impl PlatformLog {
    /// The log of an environment whose stream is called `name`. `runtime` is
    /// `AWS_EXECUTION_ENV`, such as `AWS_Lambda_python3.13`.
    pub(super) fn open(
        config: &FunctionConfig,
        streams: Option<&Arc<dyn LogStreams>>,
        name: &str,
        runtime: Option<&str>,
    ) -> Self {
        let stream = streams.map(|streams| streams.open(&config.log_group(), name));
        Self {
            streams: streams.cloned(),
            stream,
            format: config.log_format,
            memory_mb: config.memory_mb,
            timeout: config.timeout,
            runtime: runtime_version(runtime),
            process: OnceLock::new(),
            init: Mutex::default(),
            timed_out: AtomicBool::new(false),
        }
    }

    /// The process whose lines the log has.
    pub(super) fn follow(&self, pipes: Vec<Pipe>, memory: PeakMemory) {
        // There is one process.
        let _ = self.process.set((pipes, memory));
    }

    /// A line of the function. Lambda's runtimes join the lines of one event, such as a stack
    /// trace, by carriage returns.
    pub(super) fn line(&self, text: &str) {
        let Some(stream) = &self.stream else { return };
        if text.contains('\r') {
            stream.write_line(&text.replace('\r', "\n"));
        } else {
            stream.write_line(text);
        }
    }

    /// Init begins.
    pub(super) fn init_started(&self, region: &str) {
        let Some(stream) = &self.stream else { return };
        let runtime = &self.runtime;
        let arn = format!("arn:aws:lambda:{region}::runtime:local");
        stream.write(&match self.format {
            LogFormat::Text => {
                format!("INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {arn}\n")
            }
            LogFormat::Json => self.event(
                "initStart",
                &json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "runtimeVersion": runtime,
                    "runtimeVersionArn": arn,
                }),
            ),
        });
    }

    /// Init has ended, well or not.
    pub(super) fn init_ended(&self, took: Duration, failed: Option<&str>) {
        let Some(error) = failed else {
            self.init().took = Some(took);
            return;
        };
        let Some(stream) = &self.stream else { return };
        let _written = self.written();
        let timed_out = self.timed_out.load(Relaxed);
        let status = if timed_out { "timeout" } else { "error" };
        let milliseconds = milliseconds(took);
        stream.write(&match self.format {
            LogFormat::Text if timed_out => format!(
                "INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: init\tStatus: timeout\n"
            ),
            LogFormat::Text => format!(
                "INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: init\tStatus: error\t\
                 Error Type: {error}\n"
            ),
            LogFormat::Json => self.event(
                "initReport",
                &json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "status": status,
                    "errorType": (!timed_out).then_some(error),
                    "metrics": { "durationMs": rounded(took) },
                }),
            ),
        });
    }

    /// Waits for the lines that are written, and keeps later ones away until what this
    /// returns is dropped.
    pub(super) fn written(&self) -> Vec<MutexGuard<'_, Lines>> {
        if self.stream.is_none() {
            return Vec::new();
        }
        let pipes = self.process.get().into_iter().flat_map(|(pipes, _)| pipes);
        pipes.map(Pipe::drain).collect()
    }

    /// An invocation has begun. The caller holds what [`PlatformLog::written`] returns.
    pub(super) fn started(&self, request_id: &str) {
        let mut init = self.init();
        if init.first.is_none() {
            init.first = Some(request_id.to_owned());
        }
        drop(init);
        let Some(stream) = &self.stream else { return };
        stream.write(&match self.format {
            LogFormat::Text => start_line(request_id),
            LogFormat::Json => self.event(
                "start",
                &json!({ "requestId": request_id, "version": "$LATEST" }),
            ),
        });
    }

    /// The environment's process is killed because its time is over.
    pub(super) fn timed_out(&self) {
        self.timed_out.store(true, Relaxed);
    }

    /// An invocation has ended.
    pub(super) fn ended(&self, request_id: &str, began: Instant, ending: Ending<'_>) {
        let Some(stream) = &self.stream else { return };
        let _written = self.written();
        let report = self.report(request_id, began.elapsed());
        let timed_out = matches!(ending, Ending::Exited(_)) && self.timed_out.load(Relaxed);
        if self.format == LogFormat::Json {
            stream.write(&self.event("report", &report.json(ending, timed_out)));
            return;
        }
        let mut log = String::new();
        let mut status = "";
        match ending {
            Ending::Answered | Ending::Failed => {}
            Ending::Exited(_) if timed_out => {
                let seconds = self.timeout.as_secs_f64();
                let now = self.now();
                log = format!("{now} {request_id} Task timed out after {seconds:.2} seconds\n");
                status = "Status: timeout";
            }
            Ending::Exited(how) => {
                log = format!(
                    "RequestId: {request_id} Error: Runtime exited with error: {how}\n\
                     Runtime.ExitError\n"
                );
                status = "Status: error\tError Type: Runtime.ExitError";
            }
        }
        if !log.is_empty() {
            stream.write(&log);
        }
        stream.write(&end_line(request_id));
        stream.write(&report.line(status));
    }

    /// What REPORT says of an invocation that took so long.
    pub(super) fn report<'a>(&self, request_id: &'a str, took: Duration) -> Report<'a> {
        let init = self.init();
        let first = init.first.as_deref() == Some(request_id);
        Report {
            request_id,
            took,
            memory_mb: self.memory_mb,
            max_memory_mb: self.max_memory_mb(),
            init: init.took.filter(|_| first),
        }
    }

    /// The peak memory of the process, MB, where the system tells.
    pub(super) fn max_memory_mb(&self) -> Option<u32> {
        let memory = self.process.get().map(|(_, memory)| memory);
        memory.and_then(PeakMemory::megabytes)
    }

    fn init(&self) -> MutexGuard<'_, Init> {
        self.init.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A platform event in JSON, with its line end.
    fn event(&self, kind: &str, record: &Value) -> String {
        let now = self.now();
        let event = json!({ "time": now, "type": format!("platform.{kind}"), "record": record });
        format!("{event}\n")
    }

    /// The time to the millisecond, as ISO 8601.
    fn now(&self) -> String {
        let now = self.streams.as_ref().map(|streams| streams.now());
        let now = now.unwrap_or_else(OffsetDateTime::now_utc);
        let nanoseconds = u32::from(now.millisecond()) * 1_000_000;
        let now = now.replace_nanosecond(nanoseconds).unwrap_or(now);
        now.format(&Rfc3339).unwrap_or_default()
    }
}

/// `START RequestId: …`, with its line end.
pub(super) fn start_line(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: $LATEST\n")
}

/// `END RequestId: …`, with its line end.
pub(super) fn end_line(request_id: &str) -> String {
    format!("END RequestId: {request_id}\n")
}

impl Report<'_> {
    /// The REPORT line, with its line end.
    pub(super) fn line(&self, status: &str) -> String {
        let (took, memory) = (milliseconds(self.took), self.memory_mb);
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {took:.2} ms\tBilled Duration: {} ms\t\
             Memory Size: {memory} MB\t",
            self.request_id,
            self.billed()
        );
        // Writing to a string cannot fail.
        if let Some(most) = self.max_memory_mb {
            let _ = write!(line, "Max Memory Used: {most} MB\t");
        }
        if let Some(init) = self.init {
            let _ = write!(line, "Init Duration: {:.2} ms\t", milliseconds(init));
        }
        line.push_str(status);
        line.push('\n');
        line
    }

    fn json(&self, ending: Ending<'_>, timed_out: bool) -> Value {
        let mut metrics = json!({
            "durationMs": rounded(self.took),
            "billedDurationMs": self.billed(),
            "memorySizeMB": self.memory_mb,
        });
        if let Some(most) = self.max_memory_mb {
            metrics["maxMemoryUsedMB"] = most.into();
        }
        if let Some(init) = self.init {
            metrics["initDurationMs"] = rounded(init);
        }
        let mut record = json!({
            "requestId": self.request_id,
            "metrics": metrics,
            "status": match ending {
                Ending::Answered => "success",
                Ending::Exited(_) if timed_out => "timeout",
                Ending::Failed | Ending::Exited(_) => "error",
            },
        });
        if matches!(ending, Ending::Exited(_)) && !timed_out {
            record["errorType"] = "Runtime.ExitError".into();
        }
        record
    }

    /// Milliseconds, rounded up. Init counts (Lambda pricing, since August 2025).
    fn billed(&self) -> u128 {
        let billed = self.took + self.init.unwrap_or_default();
        billed.as_micros().div_ceil(1000)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Milliseconds with three decimals, as the Telemetry API has them.
fn rounded(duration: Duration) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of an invocation")]
    let milliseconds = duration.as_micros() as f64 / 1000.0;
    milliseconds.into()
}

/// `python:3.13` of `AWS_Lambda_python3.13`; an OS-only runtime has no such variable.
fn runtime_version(runtime: Option<&str>) -> String {
    let Some(name) = runtime.and_then(|runtime| runtime.strip_prefix("AWS_Lambda_")) else {
        return "provided:al2023".to_owned();
    };
    match name.find(|character: char| character.is_ascii_digit()) {
        Some(digits) => format!("{}:{}", &name[..digits], &name[digits..]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_what_is_known_and_bills_the_init() {
        let report = Report {
            request_id: "1-2-3",
            took: Duration::from_micros(1500),
            memory_mb: 128,
            max_memory_mb: None,
            init: None,
        };
        assert_eq!(
            report.line(""),
            "REPORT RequestId: 1-2-3\tDuration: 1.50 ms\tBilled Duration: 2 ms\t\
             Memory Size: 128 MB\t\n"
        );
        let first = Report {
            max_memory_mb: Some(31),
            init: Some(Duration::from_millis(100)),
            ..report
        };
        assert_eq!(
            first.line("Status: timeout"),
            "REPORT RequestId: 1-2-3\tDuration: 1.50 ms\tBilled Duration: 102 ms\t\
             Memory Size: 128 MB\tMax Memory Used: 31 MB\tInit Duration: 100.00 ms\t\
             Status: timeout\n"
        );
    }

    #[test]
    fn a_runtime_s_version_is_that_of_its_variable() {
        assert_eq!(
            runtime_version(Some("AWS_Lambda_nodejs22.x")),
            "nodejs:22.x"
        );
        assert_eq!(runtime_version(None), "provided:al2023");
    }
}
