//! A folder of source whose programs are built.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The programs of one version of the project.
pub struct Checkout {
    /// Its name in the tables.
    pub name: String,
    folder: PathBuf,
    programs: PathBuf,
}

impl Checkout {
    /// The one that this benchmark is part of.
    pub fn this(profile: &str) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = std::env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| folder.join("target"), PathBuf::from);
        Self::new("this", &folder, &target, profile)
    }

    /// `NAME=FOLDER`.
    pub fn named(argument: &str, profile: &str) -> anyhow::Result<Self> {
        let (name, folder) = argument
            .split_once('=')
            .context("--checkout expects NAME=FOLDER")?;
        let folder = Path::new(folder);
        Self::new(name, folder, &folder.join("target"), profile)
    }

    fn new(name: &str, folder: &Path, target: &Path, profile: &str) -> anyhow::Result<Self> {
        let profile = if profile == "dev" { "debug" } else { profile };
        let checkout = Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            programs: target.join(profile),
        };
        for program in [checkout.tool(), checkout.bootstrap()] {
            ensure!(
                program.is_file(),
                "there is no {}\nhint: run `cargo build --profile {profile} --bin klocal --bin bootstrap --bin producer` in {}",
                program.display(),
                folder.display()
            );
        }
        Ok(checkout)
    }

    /// Where its template is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `klocal`; in older versions it is called `local`.
    pub fn tool(&self) -> PathBuf {
        let former = self.programs.join("local");
        if former.is_file() {
            return former;
        }
        self.programs.join("klocal")
    }

    /// The sample's function.
    pub fn bootstrap(&self) -> PathBuf {
        self.programs.join("bootstrap")
    }

    /// The sample's producer, where the tool does not write by itself.
    pub fn producer(&self) -> Option<PathBuf> {
        Some(self.programs.join("producer")).filter(|program| program.is_file())
    }
}
