//! Programs that some of these tests need and some machines lack.

use std::{path::PathBuf, process::Command};

use integration_tests::tool::{Tool, named_or_fetched, succeeds};

/// AWS's Runtime Interface Emulator (RIE). This does not run it to check it: an unknown
/// argument, such as `--version`, makes it start a server.
pub fn rie() -> Tool {
    let path = named_or_fetched("AWS_LAMBDA_RIE", "aws-lambda-rie");
    if path.is_file() {
        return Tool::Found(path);
    }
    Tool::Missing(format!(
        "tests of rie: no {}; run .ci/fetch-tools, or set AWS_LAMBDA_RIE=PATH",
        path.display()
    ))
}

/// A Python that has AWS's runtime client.
pub fn python() -> Tool {
    let path = named_or_fetched("AWSLAMBDARIC_PYTHON", "venv/bin/python");
    if succeeds(Command::new(&path).args(["-c", "import awslambdaric"])) {
        return Tool::Found(path);
    }
    Tool::Missing(format!(
        "test of python: {} has no awslambdaric; run .ci/fetch-tools, or set \
         AWSLAMBDARIC_PYTHON=PATH to a Python that has it",
        path.display()
    ))
}

/// Node.js. This tool has a runtime client of its own for it.
pub fn node() -> Tool {
    if succeeds(Command::new("node").arg("--version")) {
        return Tool::Found(PathBuf::from("node"));
    }
    Tool::Missing("tests of node: node is missing; install Node.js".to_owned())
}

/// Bash and curl.
pub fn curl() -> Tool {
    for program in ["bash", "curl"] {
        if !succeeds(Command::new(program).arg("--version")) {
            return Tool::Missing(format!("tests of bash: {program} is missing"));
        }
    }
    Tool::Found(PathBuf::from("bash"))
}
