//! The containers of one world, on a network of their own.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use aws_wire::DEFAULT_REGION;
use testcontainers::{
    ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt,
    bollard::models::{PortBinding, RestartPolicy, RestartPolicyNameEnum},
    core::{IntoContainerPort, WaitFor, logs::LogFrame},
    runners::AsyncRunner,
};

use integration_tests::patience::PATIENCE;

use super::Programs;
use crate::{
    cleanup::{self, Starting},
    docker::{Image, docker},
    recording_observer::RecordingObserver,
};

/// The ports that the containers listen on, inside.
pub const AWS: u16 = 4566;
pub const CACHE: u16 = 8080;
pub const PROTOSOCKET: u16 = 9004;
pub const INVOKE: u16 = 8080;

/// The mode of a program's file: readable and executable by all.
const EXECUTABLE: u32 = 0o755;

/// A network, removed when this is dropped: after the containers on it.
pub struct Network {
    name: String,
    programs: Programs,
    keeps_ports: bool,
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is left of it goes at the end of the run.
        let _ = docker(&["network", "rm", &self.name]);
    }
}

/// A function for the emulator.
pub struct FunctionContainer<'a> {
    /// The container's name.
    pub name: &'static str,
    pub bootstrap: &'a Path,
    pub timeout: Duration,
    pub variables: &'a BTreeMap<String, String>,
}

impl Network {
    /// Makes it; testcontainers would give it no label.
    pub fn create(programs: &Programs, keeps_ports: bool) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let _starting = cleanup::starting()?;
        let name = format!("{}-{}", cleanup::run(), COUNT.fetch_add(1, Relaxed));
        let labels = [
            format!("--label={}={}", cleanup::RUN, cleanup::run()),
            format!("--label={}={}", cleanup::OWNER, cleanup::owner()),
        ];
        docker(&["network", "create", &labels[0], &labels[1], &name])
            .map_err(anyhow::Error::msg)
            .context("creating a network")?;
        Ok(Self {
            name,
            programs: programs.clone(),
            keeps_ports,
        })
    }

    /// `LocalStack`, or the stand-in that `LOCALSTACK_IMAGE` names.
    pub async fn localstack(&self) -> anyhow::Result<ContainerAsync<GenericImage>> {
        let image = generic(&self.programs.images.localstack)
            .with_wait_for(WaitFor::message_on_stdout("Ready."));
        let (_starting, request) = self.container(image, "localstack", AWS)?;
        request
            .with_env_var("SERVICES", "kinesis,dynamodb,sqs,ssm")
            .with_env_var("DISABLE_EVENTS", "1")
            .start()
            .await
            .context("starting LocalStack")
    }

    /// Momento offline, with these caches.
    pub async fn cache(&self, caches: &[String]) -> anyhow::Result<ContainerAsync<GenericImage>> {
        let image = generic(&self.programs.images.runtime)
            .with_entrypoint("/usr/local/bin/klocal")
            .with_wait_for(WaitFor::message_on_stderr("Momento"));
        let names = caches.iter().map(|name| format!("--cache-name={name}"));
        // The function calls it by the container's name.
        let host = format!("--allow-host={}", self.host("cache"));
        let (_starting, request) = self.container(image, "cache", CACHE)?;
        request
            .with_cmd(
                ["cache", "--host", "0.0.0.0"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([host])
                    .chain(names),
            )
            .with_copy_to(
                executable("/usr/local/bin/klocal"),
                self.programs.local.clone(),
            )
            .start()
            .await
            .context("starting the cache")
    }

    /// AWS's emulator around a function; the observer receives its log lines.
    pub async fn function(
        &self,
        function: &FunctionContainer<'_>,
        observer: &Arc<RecordingObserver>,
    ) -> anyhow::Result<ContainerAsync<GenericImage>> {
        let image = generic(&self.programs.images.lambda);
        let (_starting, request) = self.container(image, function.name, INVOKE)?;
        let mut request = request
            .with_cmd(["bootstrap"])
            .with_copy_to(
                executable("/var/runtime/bootstrap"),
                function.bootstrap.to_owned(),
            )
            .with_log_consumer(lines_to(observer));
        let own = [
            (
                "AWS_ENDPOINT_URL",
                format!("http://{}:{AWS}", self.host("localstack")),
            ),
            ("AWS_REGION", DEFAULT_REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            (
                "AWS_LAMBDA_FUNCTION_TIMEOUT",
                function.timeout.as_secs().to_string(),
            ),
            ("CACHE_BACKEND", "stub".to_owned()),
            (
                "CACHE_STUB_URL",
                format!("http://{}:{CACHE}", self.host("cache")),
            ),
            (
                "CACHE_STUB_PROTOSOCKET_URL",
                format!("{}:{PROTOSOCKET}", self.host("cache")),
            ),
            ("FLAKY_COUNT", "/tmp/failures".to_owned()),
        ];
        for (name, value) in own {
            request = request.with_env_var(name, value);
        }
        for (name, value) in function.variables {
            request = request.with_env_var(name, value);
        }
        request.start().await.context("starting the emulator")
    }

    /// A container of this run that publishes `port` on loopback.
    fn container(
        &self,
        image: GenericImage,
        service: &str,
        port: u16,
    ) -> anyhow::Result<(Starting, ContainerRequest<GenericImage>)> {
        let starting = cleanup::starting()?;
        let keeps_ports = self.keeps_ports;
        let host_port = if keeps_ports { free_port()? } else { 0 };
        let request = image
            .with_exposed_port(port.tcp())
            .with_network(&self.name)
            .with_container_name(self.host(service))
            .with_label(cleanup::RUN, cleanup::run())
            .with_label(cleanup::OWNER, cleanup::owner())
            .with_startup_timeout(PATIENCE)
            .with_host_config_modifier(move |config| {
                let binding = PortBinding {
                    host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
                    host_port: Some(host_port.to_string()),
                };
                config.publish_all_ports = Some(false);
                config.port_bindings = Some([(format!("{port}/tcp"), Some(vec![binding]))].into());
                if keeps_ports {
                    config.restart_policy = Some(RestartPolicy {
                        name: Some(RestartPolicyNameEnum::ALWAYS),
                        maximum_retry_count: None,
                    });
                }
            });
        Ok((starting, request))
    }

    fn host(&self, service: &str) -> String {
        format!("{}-{service}", self.name)
    }
}

/// The URL of a container's port, from this process. The port is published on loopback:
/// testcontainers' own host is the bridge's gateway where it takes this machine for a
/// container.
pub async fn url(container: &ContainerAsync<GenericImage>, port: u16) -> anyhow::Result<String> {
    let host = Ipv4Addr::LOCALHOST;
    let port = container.get_host_port_ipv4(port.tcp()).await?;
    Ok(format!("http://{host}:{port}"))
}

fn generic(image: &Image) -> GenericImage {
    GenericImage::new(&image.name, &image.tag)
}

fn executable(path: &str) -> CopyTargetOptions {
    CopyTargetOptions::new(path).with_mode(EXECUTABLE)
}

/// A port that is free at this moment. Without a fixed port, Docker gives a restarted
/// container another one.
fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// Passes whole lines to the observer: a frame may end within a line.
fn lines_to(observer: &Arc<RecordingObserver>) -> impl Fn(&LogFrame) + Send + Sync + 'static {
    let observer = observer.clone();
    let pending = Mutex::new([Vec::new(), Vec::new()]);
    move |frame| {
        let (stream, bytes) = match frame {
            LogFrame::StdOut(bytes) => (0, bytes),
            LogFrame::StdErr(bytes) => (1, bytes),
        };
        let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        let text = &mut pending[stream];
        text.extend_from_slice(bytes);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            observer.line(String::from_utf8_lossy(&line).trim_end());
        }
    }
}
