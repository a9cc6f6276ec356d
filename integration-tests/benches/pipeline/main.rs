//! Measures whole runs of the pipeline, `klocal e2e`, as a user runs it:
//!
//! ```text
//! cargo bench --bench pipeline -- [--quick] [--profile P] [--checkout NAME=FOLDER]…
//! ```
//!
//! The programs are those of `target/PROFILE` (`quick` by default) of this checkout, or
//! of each one named. Several take turns, run by run, so that each meets the same
//! machine; every figure is a median. It prints Markdown.

mod checkout;
mod run;
mod settings;
mod table;

use anyhow::{Context, bail};

use checkout::Checkout;
use settings::Group;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut quick, mut profile, mut named) = (false, "quick".to_owned(), Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .context(format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--quick" => quick = true,
            "--profile" => profile = value()?,
            "--checkout" => named.push(value()?),
            // Cargo's.
            "--bench" => {}
            other => bail!("unknown argument {other}"),
        }
    }
    let checkouts = if named.is_empty() {
        vec![Checkout::this(&profile)?]
    } else {
        let open = |named: &String| Checkout::named(named, &profile);
        named.iter().map(open).collect::<Result<Vec<_>, _>>()?
    };
    for group in Group::all(quick) {
        let measured = run::alternate(&checkouts, &group)?;
        print!("{}", table::markdown(&group, &checkouts, &measured));
    }
    Ok(())
}
