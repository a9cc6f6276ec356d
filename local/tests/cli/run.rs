//! Runs the command line.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// Ports of `up` beside that of the AWS APIs: free ones.
pub const OTHER_PORTS: [&str; 3] = [
    "--lambda-port=0",
    "--cache-port=0",
    "--cache-protosocket-port=0",
];

/// Runs `klocal` with arguments, in a folder of its own.
pub struct Run {
    pub folder: TempDir,
    pub command: Command,
}

impl Run {
    pub fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_klocal"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("MOMENTO_API_KEY")
            .env_remove("AWS_REGION")
            .env_remove("LOCAL_URL")
            .env_remove("RUST_LOG");
        Self { folder, command }
    }

    /// `klocal up` with these arguments, on free ports.
    pub fn up(arguments: &[&str]) -> Self {
        Self::new(&["up", "--aws-port=0"])
            .arguments(&OTHER_PORTS)
            .arguments(arguments)
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub fn template(self) -> Self {
        let text = fs::read_to_string(deployed_template()).unwrap();
        self.file("template.yaml", &text)
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn output(mut self) -> Output {
        self.command.output().unwrap()
    }

    /// Runs `up` until everything is served, and ends it as a person does. Returns its stderr.
    pub fn until_served(mut self) -> String {
        let command = self.command.stderr(Stdio::piped()).stdout(Stdio::null());
        let mut up = command.spawn().unwrap();
        let mut said = String::new();
        let mut stderr = BufReader::new(up.stderr.take().unwrap());
        while !said.contains("Ctrl-C stops everything") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        // SIGTERM, so that it removes its temporary folder.
        let terminated = Command::new("kill").arg(up.id().to_string()).status();
        assert!(terminated.unwrap().success());
        assert!(up.wait().unwrap().success());
        said
    }

    /// Runs a command that exits with code 2 and writes nothing to stdout. Returns its
    /// stderr: an error line, and a hint line if there is one.
    pub fn refusal(self) -> String {
        let output = self.output();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        let lines: Vec<_> = error.trim_end().lines().collect();
        let has_hint = lines.len() == 2 && lines[1].starts_with("hint: ");
        assert!(lines.len() == 1 || has_hint, "{error}");
        error.trim_end().to_owned()
    }
}

pub fn deployed_template() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

/// A function that never asks for an invocation: a program that any machine with a
/// shell has.
pub const BOOTSTRAP: &str = "--bootstrap=/bin/true";

pub fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
