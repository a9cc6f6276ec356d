//! Runs cases, and watches this process meanwhile: the servers run in it.

use std::{
    backtrace::Backtrace,
    env,
    fs::read_to_string,
    future::Future,
    panic,
    sync::{Mutex, Once, PoisonError},
    thread,
    time::{Duration, Instant},
};

use proptest::{
    prelude::Strategy,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use tokio::{runtime::Runtime, time::timeout};

/// How long a reply may take. It is long because a loaded machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Cases between two looks at the clock and at the memory.
const CASES: u32 = 100;

/// How far this process's memory may grow, KiB: room for what the requests store, and
/// for the other tests beside.
const GROWTH: u64 = 512 * 1024;

/// Name of the threads that the servers run on.
const SERVER: &str = "server";

/// Panics of the servers.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs `case` with values of `strategy`.
pub fn fuzz<S, F>(runtime: &Runtime, strategy: &S, case: impl Fn(S::Value) -> F)
where
    S: Strategy,
    F: Future<Output = Result<(), String>>,
{
    note_panics();
    let seconds = env::var("FUZZ_SECONDS").ok().map(|text| {
        text.parse()
            .expect("FUZZ_SECONDS: expected a number of seconds")
    });
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let (mut cases, before) = (0, resident());
    loop {
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            max_shrink_iters: 500,
            // Milliseconds: a case that hangs takes half a minute each time.
            max_shrink_time: 120_000,
            ..Config::default()
        });
        let ran = runner.run(strategy, |value| {
            let outcome = runtime.block_on(async { timeout(PATIENCE, case(value)).await });
            let outcome = outcome.unwrap_or_else(|_| Err("no end".to_owned()));
            let panics =
                std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
            match (outcome, panics.first()) {
                (_, Some(panic)) => Err(TestCaseError::fail(panic.clone())),
                (Err(why), None) => Err(TestCaseError::fail(why)),
                (Ok(()), None) => Ok(()),
            }
        });
        match ran {
            Ok(()) => {}
            Err(TestError::Fail(why, value)) => panic!("{why}\nwith {value:#?}"),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
        cases += CASES;
        let grown = resident().saturating_sub(before);
        assert!(grown < GROWTH, "{grown} KiB more after {cases} cases");
        if Instant::now() >= end {
            println!("{cases} cases, memory grew by {grown} KiB");
            return;
        }
    }
}

/// A runtime for the servers of one test.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(SERVER)
        .enable_all()
        .build()
        .unwrap()
}

/// Notes panics of the servers; their tasks would swallow them.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            if thread::current().name() != Some(SERVER) {
                return;
            }
            let text = format!("a panic: {info}\n{}", Backtrace::force_capture());
            PANICS
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
        }));
    });
}

/// Memory of this process, KiB; 0 where there is no /proc.
fn resident() -> u64 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
