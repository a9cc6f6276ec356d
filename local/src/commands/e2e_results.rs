//! Where `e2e` writes its results.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;

use super::args::Format;
use crate::{
    e2e::{
        Puts,
        html::{self, Setup},
        junit, records_out,
        report::Report,
        tally::Tally,
    },
    outcome::Failure,
    page::Recording,
};

/// The results of a run.
#[derive(Debug, Args)]
pub struct ResultArgs {
    /// Write what became of each record to this file, a JSON line each
    #[arg(long, value_name = "FILE")]
    pub records_out: Option<PathBuf>,

    /// Write the result to this file as `JUnit` XML, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write the run to this file as a page: the result, its course, its slowest and failed
    /// records
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Format of the report on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// The files of a run.
pub(super) struct Results<'a> {
    records_out: Option<Out<'a>>,
    junit: Option<Out<'a>>,
    html: Option<Out<'a>>,
    output: Format,
}

/// What a run leaves.
pub(super) struct Ran<'a> {
    pub(super) report: &'a Report,
    pub(super) tally: &'a Tally,
    /// The writes, for a list of the records.
    pub(super) puts: Option<&'a Puts>,
    pub(super) setup: &'a Setup,
    /// For a page, of a run in this process.
    pub(super) recording: Option<&'a Recording>,
}

/// A file for a result.
struct Out<'a> {
    file: BufWriter<File>,
    path: &'a Path,
}

impl ResultArgs {
    /// Creates the files before the run: one that cannot be written costs no time.
    pub(super) fn open(&self) -> Result<Results<'_>, Failure> {
        Ok(Results {
            records_out: self.records_out.as_deref().map(Out::create).transpose()?,
            junit: self.junit.as_deref().map(Out::create).transpose()?,
            html: self.html.as_deref().map(Out::create).transpose()?,
            output: self.output,
        })
    }
}

impl Results<'_> {
    /// Writes the files and the report.
    pub(super) fn write(self, ran: &Ran<'_>) -> Result<(), Failure> {
        let Ran {
            report,
            tally,
            puts,
            setup,
            recording,
        } = *ran;
        if let Some(out) = self.records_out {
            out.fill(|file| records_out::write(file, tally, puts))?;
        }
        if let Some(out) = self.junit {
            out.fill(|file| file.write_all(junit::xml(report).as_bytes()))?;
        }
        if let Some(out) = self.html {
            let page = html::page(report, tally, setup, recording).map_err(Failure::run)?;
            out.fill(|file| file.write_all(page.as_bytes()))?;
        }
        match self.output {
            Format::Text => print!("{report}"),
            Format::Json => println!("{}", serde_json::to_string(report).map_err(Failure::run)?),
        }
        Ok(())
    }
}

impl<'a> Out<'a> {
    fn create(path: &'a Path) -> Result<Self, Failure> {
        let file = File::create(path).with_context(|| path.display().to_string());
        let file = file.map_err(Failure::configuration)?;
        let file = BufWriter::new(file);
        Ok(Self { file, path })
    }

    fn fill(
        mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        write(&mut self.file)
            .and_then(|()| self.file.flush())
            .with_context(|| self.path.display().to_string())
            .map_err(Failure::Run)
    }
}
