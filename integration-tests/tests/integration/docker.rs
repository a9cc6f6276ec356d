//! Docker for the tests: checks the engine and the images, and removes this run's
//! containers when the tests are interrupted.

use std::{
    env,
    process::{self, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use uuid::Uuid;

/// The label of every container of this run.
pub const LABEL: &str = "kinesis-momento-rust.run";

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The containers' images. An environment variable overrides each.
#[derive(Debug, Clone)]
pub struct Images {
    /// `LOCALSTACK_IMAGE`.
    pub localstack: Image,
    /// `LAMBDA_BASE_IMAGE`: AWS's, with the Runtime Interface Emulator.
    pub lambda: Image,
    /// `RUNTIME_BASE_IMAGE`: the image in which `local` runs.
    pub runtime: Image,
}

/// An image's name and tag.
#[derive(Debug, Clone)]
pub struct Image {
    pub name: String,
    pub tag: String,
    /// The environment variable that overrides the image.
    variable: &'static str,
}

impl Images {
    pub fn from_environment() -> Self {
        Self {
            localstack: Image::of("LOCALSTACK_IMAGE", "localstack/localstack:4.14.0"),
            lambda: Image::of("LAMBDA_BASE_IMAGE", "public.ecr.aws/lambda/provided:al2023"),
            runtime: Image::of("RUNTIME_BASE_IMAGE", "debian:bookworm-slim"),
        }
    }
}

impl Image {
    fn of(variable: &'static str, default: &str) -> Self {
        let image = env::var(variable).ok().filter(|image| !image.is_empty());
        let image = image.as_deref().unwrap_or(default);
        // A colon before the last slash is a registry's port.
        let (name, tag) = match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image, "latest"),
        };
        Self {
            name: name.to_owned(),
            tag: tag.to_owned(),
            variable,
        }
    }

    /// The reason if the image is not here and cannot be pulled.
    fn missing(&self) -> Option<String> {
        let image = format!("{}:{}", self.name, self.tag);
        if docker(&["image", "inspect", &image]).is_ok() {
            return None;
        }
        eprintln!("pulling {image} …");
        let error = docker(&["pull", "--quiet", &image]).err()?;
        let variable = self.variable;
        Some(format!(
            "image {image} is not here and cannot be pulled ({error}); set {variable}=IMAGE to use another"
        ))
    }
}

/// The reason if containers cannot run here.
pub fn missing(images: &Images) -> Option<String> {
    if env::consts::OS != "linux" {
        return Some(format!(
            "containers need Linux programs, and cargo builds for {} here",
            env::consts::OS
        ));
    }
    if let Err(error) = docker(&["version", "--format", "{{.Server.Version}}"]) {
        return Some(format!("no Docker engine answers ({error})"));
    }
    let images = [&images.localstack, &images.lambda, &images.runtime];
    images.into_iter().find_map(Image::missing)
}

/// The name of this run.
pub fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| format!("kmr-{}", &Uuid::new_v4().simple().to_string()[..8]))
}

/// Makes Ctrl-C and SIGTERM remove this run's containers and networks.
///
/// # Errors
///
/// The runtime that waits for the signals cannot start.
pub fn remove_all_when_interrupted() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::spawn(move || {
        runtime.block_on(local::signals::wait_for_signal());
        eprintln!("interrupted: removing the containers");
        INTERRUPTED.store(true, Relaxed);
        // A scenario may be about to start another container: repeat until three rounds find nothing.
        let mut empty = 0;
        for _ in 0..50 {
            empty = if remove_all() { empty + 1 } else { 0 };
            if empty == 3 {
                break;
            }
            thread::sleep(Duration::from_millis(200));
        }
        process::exit(local::outcome::INTERRUPTED.into());
    });
    Ok(())
}

/// Removes this run's containers and networks. True if there was nothing to remove.
fn remove_all() -> bool {
    let label = format!("label={LABEL}={}", run());
    let network = format!("name={}", run());
    let mut nothing = true;
    for (list, remove) in [
        (
            ["ps", "--all", "--quiet", "--filter", &label],
            &["rm", "--force", "--volumes"][..],
        ),
        (
            ["network", "ls", "--quiet", "--filter", &network],
            &["network", "rm"][..],
        ),
    ] {
        let left = docker(&list).unwrap_or_default();
        for one in left.lines() {
            nothing = false;
            // It is gone already, or the next round removes it.
            let _ = docker(&[remove, &[one]].concat());
        }
    }
    nothing
}

/// Fails once the run is interrupted.
///
/// # Errors
///
/// The run is interrupted.
pub fn still_wanted() -> anyhow::Result<()> {
    anyhow::ensure!(!INTERRUPTED.load(Relaxed), "interrupted");
    Ok(())
}

/// Runs `docker`. Returns its output, or the last line of its error.
pub fn docker(arguments: &[&str]) -> Result<String, String> {
    let ran = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
        }
        Ok(Output { stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr);
            Err(said.trim().lines().last().unwrap_or_default().to_owned())
        }
        Err(error) => Err(format!("cannot run docker: {error}")),
    }
}
