//! `klocal status --watch`.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use console::{Term, truncate_str};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::status;
use crate::{
    outcome::{Failure, Outcome},
    signals::Signals,
    status_board::Status,
    terminal::{
        Screen,
        colours::{BOLD, DIM, WARNING},
        units::{clock, number},
    },
};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// A second screen, as editors have it: what was on the terminal comes back at the end.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// Shows the status every second until Ctrl-C. In a pipe it shows each change.
///
/// # Errors
///
/// Nothing answers at first.
pub(super) async fn run(url: &str, json: bool) -> Outcome {
    let mut signals = Signals::listen().map_err(Failure::run)?;
    let mut status = status::ask(url).await.map_err(Failure::run)?;
    let on_terminal = Screen::stdout().width.is_some();
    let mut shown = String::new();
    let mut rates = Rates::default();
    if on_terminal {
        put(ENTER);
    }
    let mut notice = None;
    loop {
        let text = status::text(&status, json, Screen::stdout().width)?;
        let went_on = if on_terminal {
            let rate = rates.of(&status, Instant::now());
            redraw(&text, &rate, notice.as_deref())
        } else if text == shown {
            true
        } else {
            let time = clock(OffsetDateTime::now_utc(), true);
            let heading = if json {
                String::new()
            } else {
                format!("{time}\n")
            };
            put(&format!("{heading}{text}"))
        };
        shown = text;
        if !went_on {
            break;
        }
        tokio::select! {
            () = sleep(INTERVAL) => {}
            _ = signals.next() => break,
        }
        notice = match status::ask(url).await {
            Ok(now) => {
                status = now;
                None
            }
            Err(_) if on_terminal => Some(format!("nothing answers at {url}; asking again")),
            Err(error) => return Err(Failure::run(error)),
        };
    }
    if on_terminal {
        put(LEAVE);
        put(&shown);
    }
    Ok(ExitCode::SUCCESS)
}

/// Draws over what is there; false if nobody reads it.
fn redraw(text: &str, rates: &str, notice: Option<&str>) -> bool {
    let screen = Screen::stdout();
    let (height, width) = Term::stdout().size();
    let (height, width) = (usize::from(height).max(4), usize::from(width).max(20));
    let time = clock(OffsetDateTime::now_utc(), false);
    let heading = screen.paint(BOLD, &format!("klocal status  {time}"));
    let mut lines = vec![format!("{heading}  {rates}")];
    lines.push(screen.paint(WARNING, notice.unwrap_or_default()));
    let room = height - lines.len() - 1;
    let all = text.lines().count();
    lines.extend(text.lines().take(room).map(str::to_owned));
    lines.push(match all.saturating_sub(room) {
        0 => screen.paint(DIM, "Ctrl-C ends it"),
        more => screen.paint(DIM, &format!("{more} more lines; Ctrl-C ends it")),
    });
    let lines = lines.iter().map(|line| truncate_str(line, width, "…"));
    let lines: Vec<_> = lines.map(|line| format!("{line}\u{1b}[K")).collect();
    put(&format!("\u{1b}[H{}\u{1b}[J", lines.join("\r\n")))
}

/// Writes to stdout; false if nobody reads it.
fn put(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    written.and_then(|()| stdout.flush()).is_ok()
}

/// Records in a second, between two looks.
#[derive(Default)]
struct Rates {
    before: Option<(Instant, BTreeMap<String, u64>)>,
}

impl Rates {
    fn of(&mut self, status: &Status, now: Instant) -> String {
        let records = status.mappings.iter().map(|mapping| {
            let records = mapping.shards.values().map(|shard| shard.records).sum();
            (mapping.name.clone(), records)
        });
        let records: BTreeMap<String, u64> = records.collect();
        let before = self.before.replace((now, records.clone()));
        let Some((then, before)) = before else {
            return String::new();
        };
        let milliseconds = u64::try_from((now - then).as_millis()).unwrap_or(u64::MAX);
        let rates = records.iter().map(|(name, now)| {
            let new = now.saturating_sub(before.get(name).copied().unwrap_or(*now));
            let rate = (new * 1000).checked_div(milliseconds).unwrap_or(0);
            format!("{name} {} records/s", number(rate))
        });
        rates.collect::<Vec<_>>().join("  ")
    }
}
