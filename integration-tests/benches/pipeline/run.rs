//! One run of `klocal e2e`, and what it took.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use crate::{
    checkout::Checkout,
    settings::{Group, Setting},
};

/// What one run took.
pub struct Run {
    /// The report of `klocal e2e --output json`.
    pub report: Value,
    /// CPU time of all its processes, in seconds.
    pub cpu: f64,
    /// Of it, the tool's own.
    pub tool_cpu: f64,
    /// The tool's peak of resident memory, in MiB.
    pub memory: f64,
}

/// The runs of a group, by setting and checkout. A setting that a version does not
/// have fails at its first run and has none.
pub fn alternate(checkouts: &[Checkout], group: &Group) -> anyhow::Result<Vec<Vec<Vec<Run>>>> {
    let mut runs: Vec<Vec<Vec<Run>>> = group
        .settings
        .iter()
        .map(|_| checkouts.iter().map(|_| Vec::new()).collect())
        .collect();
    for round in 0..group.rounds {
        for (setting, runs) in group.settings.iter().zip(&mut runs) {
            let turns = (0..setting.runs).flat_map(|_| checkouts.iter().enumerate());
            for (at, checkout) in turns {
                let runs = &mut runs[at];
                match run(checkout, setting) {
                    Ok(run) => runs.push(run),
                    Err(error) if round == 0 && checkouts.len() > 1 => {
                        eprintln!("{}, {}: {error:#}", checkout.name, setting.name);
                    }
                    Err(_) if runs.is_empty() && checkouts.len() > 1 => {}
                    Err(error) => return Err(error.context(setting.name.clone())),
                }
            }
        }
    }
    Ok(runs)
}

fn run(checkout: &Checkout, setting: &Setting) -> anyhow::Result<Run> {
    let mut command = Command::new(checkout.tool());
    command.args(["e2e", "--output", "json", "--bootstrap"]);
    command.arg(checkout.bootstrap());
    if let Some(producer) = checkout.producer() {
        command.arg("--producer").arg(producer);
    }
    command.args(&setting.flags).current_dir(checkout.folder());
    let before = cpu_of_children()?;
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", checkout.tool().display()))?;
    let watched = watch(&child);
    let output = child.wait_with_output()?;
    let (tool_cpu, memory) = watched.join().unwrap_or_default();
    ensure!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Run {
        report: serde_json::from_slice(&output.stdout).context("the report")?,
        cpu: cpu_of_children()? - before,
        tool_cpu,
        memory,
    })
}

/// Follows a process until it ends: its own CPU time in seconds, and its peak memory in
/// MiB. The system tells them only while it runs.
fn watch(child: &Child) -> thread::JoinHandle<(f64, f64)> {
    const CLOCK_TICKS: f64 = 100.0;
    let process = format!("/proc/{}", child.id());
    thread::spawn(move || {
        let (mut cpu, mut memory) = (0.0, 0.0);
        while let Ok(status) = fs::read_to_string(format!("{process}/status")) {
            // Without it, the process has ended and waits to be reaped.
            let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else {
                break;
            };
            let peak = peak.trim().trim_end_matches(" kB").parse();
            memory = peak.map_or(memory, |kib: f64| kib / 1024.0);
            let stat = fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
            // proc_pid_stat(5): utime and stime are fields 14 and 15; the second field,
            // the name, ends with the last parenthesis.
            let fields = stat.rsplit(')').next().unwrap_or_default();
            let times = fields.split_whitespace().skip(11).take(2);
            let ticks: f64 = times.filter_map(|field| field.parse::<f64>().ok()).sum();
            cpu = if ticks > 0.0 {
                ticks / CLOCK_TICKS
            } else {
                cpu
            };
            thread::sleep(Duration::from_millis(10));
        }
        (cpu, memory)
    })
}

/// The CPU time of all children that ended, and of theirs, in seconds.
#[allow(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
fn cpu_of_children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
