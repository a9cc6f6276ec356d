//! Nothing is left behind: a run removes its containers and networks at its end,
//! also when a signal is that end, and removes those of runs that were killed.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::docker::docker;

/// The label that names a container's or network's run.
pub const RUN: &str = "kinesis-momento-rust.run";

/// The label that names the process of that run, see [`owner`].
pub const OWNER: &str = "kinesis-momento-rust.owner";

/// How long a container may take to come up after the interruption, or to go.
const PATIENCE: Duration = Duration::from_mins(1);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static STARTING: AtomicUsize = AtomicUsize::new(0);

/// A container or network that is being made: until this is dropped, the engine
/// may still create it.
pub struct Starting(());

impl Drop for Starting {
    fn drop(&mut self) {
        STARTING.fetch_sub(1, SeqCst);
    }
}

/// Announces that something is about to be made.
///
/// # Errors
///
/// The run was interrupted, and must not make anything more.
pub fn starting() -> anyhow::Result<Starting> {
    // Counted first: whoever interrupts sees the count, or this sees the
    // interruption.
    STARTING.fetch_add(1, SeqCst);
    let starting = Starting(());
    anyhow::ensure!(!INTERRUPTED.load(SeqCst), "interrupted");
    Ok(starting)
}

/// This run's name.
pub fn run() -> &'static str {
    static NAME: LazyLock<String> =
        LazyLock::new(|| format!("kmr-{}", &Uuid::new_v4().simple().to_string()[..8]));
    &NAME
}

/// This process, in words that no other has: the boot, the namespace of process
/// ids, the id, and the start (proc(5), `stat`, field 22), as ids are reused.
pub fn owner() -> &'static str {
    static OWNER: LazyLock<String> =
        LazyLock::new(|| owner_of(process::id()).unwrap_or_else(|| "unknown".to_owned()));
    &OWNER
}

fn owner_of(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold spaces; what follows its bracket does not.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    let start = fields.nth(18).filter(|_| !ended)?;
    let (boot, namespace) = (boot.trim(), namespace.display());
    Some(format!("{boot}/{namespace}/{pid}/{start}"))
}

/// Whether the process with this label has ended. One that cannot be seen from
/// here (of another machine or another namespace) counts as running.
fn has_ended(label: &str) -> bool {
    let parts = |owner: &str| owner.rsplitn(3, '/').map(str::to_owned).collect::<Vec<_>>();
    let (of_label, here) = (parts(label), parts(owner()));
    let ([_, pid, place], [_, _, this_place]) = (&of_label[..], &here[..]) else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    place == this_place && owner_of(pid).as_deref() != Some(label)
}

/// Removes what runs left that have ended without removing it.
pub fn remove_leftovers() {
    let format = format!("{{{{.Label \"{OWNER}\"}}}}");
    let filter = format!("label={OWNER}");
    let mut owners = BTreeSet::new();
    for list in [&["ps", "--all"][..], &["network", "ls"]] {
        let list = [list, &["--filter", &filter, "--format", &format]].concat();
        owners.extend(docker(&list).unwrap_or_default().lines().map(str::to_owned));
    }
    for owner in owners.iter().filter(|owner| has_ended(owner)) {
        tell("removing the containers of a run that was killed");
        remove_until_clean(&format!("label={OWNER}={owner}"), || true);
    }
}

/// Removes what this run has made, and waits for what it is still making.
pub fn remove_own() {
    let made = || STARTING.load(SeqCst) == 0;
    remove_until_clean(&format!("label={RUN}={}", run()), made);
}

/// Until nothing is found once `complete` was true before.
fn remove_until_clean(filter: &str, complete: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let complete = complete();
        if remove(filter) && complete {
            return;
        }
        if Instant::now() >= deadline {
            tell(&format!(
                "some containers are left; docker ps --all --filter {filter} lists them"
            ));
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Removes what is there; true if nothing was.
fn remove(filter: &str) -> bool {
    let containers = ["ps", "--all", "--quiet", "--filter", filter];
    let networks = ["network", "ls", "--quiet", "--filter", filter];
    let mut nothing = true;
    for (list, remove) in [
        (&containers, &["rm", "--force", "--volumes"][..]),
        (&networks, &["network", "rm"]),
    ] {
        // An engine that does not answer may still have some.
        let left = docker(&list[..]);
        nothing &= left.as_ref().is_ok_and(String::is_empty);
        for one in left.unwrap_or_default().lines() {
            // Gone already, or in the next round.
            let _ = docker(&[remove, &[one]].concat());
        }
    }
    nothing
}

/// Catches SIGINT, SIGTERM and SIGHUP from now on. The first of them completes
/// the future, from when on nothing more is made, with the exit code: 128 + the
/// signal, as shells have it.
///
/// # Errors
///
/// The signals cannot be listened to.
pub fn interruption() -> anyhow::Result<impl Future<Output = u8>> {
    let listen = |kind| signal(kind).context("listening for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        let code = tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
            _ = hangup.recv() => 129,
        };
        INTERRUPTED.store(true, SeqCst);
        tell("interrupted: removing the containers");
        code
    })
}

/// To stderr, if anyone is still there: a terminal may be gone.
fn tell(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}
