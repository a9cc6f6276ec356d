//! What is measured: runs that differ in one setting each.

/// Runs that one table compares.
pub struct Group {
    /// The table's heading.
    pub title: &'static str,
    /// What a reader needs to know of it.
    pub note: &'static str,
    /// Its figures.
    pub figures: Figures,
    /// Its rows.
    pub settings: Vec<Setting>,
    /// How often the rows take turns.
    pub rounds: usize,
}

/// The columns of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// Latency at a given rate.
    Latency,
    /// Throughput, CPU and memory without a given rate.
    Throughput,
    /// The same, and what the records cost that a row has more than the row above.
    Growth,
}

/// One row.
pub struct Setting {
    /// What is special about it.
    pub name: String,
    /// Flags of `klocal e2e`.
    pub flags: Vec<String>,
    /// Its runs in each round.
    pub runs: usize,
}

impl Setting {
    fn new(name: impl Into<String>, flags: &str) -> Self {
        Self {
            name: name.into(),
            flags: flags.split_whitespace().map(ToOwned::to_owned).collect(),
            runs: 1,
        }
    }

    /// The same, with so many runs in each round.
    fn repeated(self, runs: usize) -> Self {
        Self { runs, ..self }
    }
}

/// The article's number of records.
const ALL: u32 = 65_000;

impl Group {
    /// Every table; with `quick` from fewer and shorter runs.
    pub fn all(quick: bool) -> Vec<Self> {
        let rounds = if quick { 1 } else { 5 };
        let records = if quick { 10_000 } else { ALL };
        let seconds = if quick { 3 } else { 15 };
        let flat_out = |flags: &str| format!("--threads 2 --records {records} {flags}");
        vec![
            Self {
                title: "From a write to the end of its invocation, at a steady rate",
                note: "`klocal e2e --rate R`, 4 shards. The time includes `PutRecords`, the mapping, and the function with one cache get per record.",
                figures: Figures::Latency,
                settings: [100, 1000]
                    .into_iter()
                    .flat_map(|rate| {
                        let flags =
                            format!("--shards 4 --rate {rate} --records {}", rate * seconds);
                        [
                            Setting::new(format!("{rate} records/s, gRPC"), &flags),
                            Setting::new(
                                format!("{rate} records/s, protosocket"),
                                &format!("{flags} {PROTOSOCKET}"),
                            ),
                        ]
                    })
                    .collect(),
                rounds,
            },
            Self {
                title: "As fast as records come",
                note: "`klocal e2e --threads 2`. One cache get per record, unless coalesced: then one per distinct key of a batch.",
                figures: Figures::Throughput,
                settings: vec![
                    Setting::new("4 shards, gRPC", &flat_out("--shards 4")),
                    Setting::new(
                        "4 shards, protosocket",
                        &flat_out(&format!("--shards 4 {PROTOSOCKET}")),
                    ),
                    Setting::new(
                        "4 shards, gRPC, coalesced",
                        &flat_out(&format!("--shards 4 {COALESCED}")),
                    ),
                    Setting::new(
                        "4 shards, protosocket, coalesced",
                        &flat_out(&format!("--shards 4 {COALESCED} {PROTOSOCKET}")),
                    ),
                    Setting::new("1 shard, gRPC", &flat_out("--shards 1")),
                    Setting::new("16 shards, gRPC", &flat_out("--shards 16")),
                ],
                rounds,
            },
            Self {
                title: "By batch size",
                note: "The same with `--parameter BatchSize=N`; fewer records, since a batch of 1 is an invocation per record.",
                figures: Figures::Throughput,
                settings: [1, 10, 100, 1000]
                    .into_iter()
                    .map(|size| {
                        let flags = format!(
                            "--threads 2 --shards 4 --records {} --parameter BatchSize={size}",
                            records / 5
                        );
                        Setting::new(format!("batches of at most {size}"), &flags)
                    })
                    .collect(),
                rounds,
            },
            Self {
                title: "By number of records",
                note: "Whether the last record costs as much as the first. The start-up of functions weighs on short runs, and not on what is further than the row above.",
                figures: Figures::Growth,
                settings: [1_000, 10_000, 100_000, 1_000_000]
                    .into_iter()
                    .take(if quick { 2 } else { 4 })
                    .map(|records| {
                        let flags = format!("--threads 2 --shards 4 --records {records}");
                        let runs = if quick || records == 1_000_000 { 1 } else { 9 };
                        Setting::new(thousands(records), &flags).repeated(runs)
                    })
                    .collect(),
                rounds: if quick { 1 } else { 3 },
            },
        ]
    }
}

const PROTOSOCKET: &str = "--parameter CacheProtocol=protosocket";
const COALESCED: &str = "--parameter CacheCoalesce=batch";

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
