//! Docker for the tests: checks the engine and the images.

use std::{
    env,
    process::{Command, Output, Stdio},
};

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
        return Some(if error.contains("permission denied") {
            format!("this user may not use the Docker engine ({error})")
        } else {
            format!("no Docker engine answers ({error})")
        });
    }
    let images = [&images.localstack, &images.lambda, &images.runtime];
    images.into_iter().find_map(Image::missing)
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
