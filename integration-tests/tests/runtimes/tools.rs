//! Programs that some of these tests need and not every machine has.

use std::{path::PathBuf, process::Command};

use integration_tests::tool::{Tool, named_or_fetched, succeeds};

/// AWS's Runtime Interface Emulator. It is never asked for its version: any
/// argument that it does not know makes it start a server.
pub fn rie() -> Tool {
    let path = named_or_fetched("AWS_LAMBDA_RIE", "aws-lambda-rie");
    if path.is_file() {
        return Tool::Found(path);
    }
    Tool::Missing(format!(
        "the tests of rie: no {}; .ci/fetch-tools fetches it, or AWS_LAMBDA_RIE=PATH names one",
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
        "the test of python: {} has no awslambdaric; .ci/fetch-tools fetches it, \
         or AWSLAMBDARIC_PYTHON=PATH names a Python that has it",
        path.display()
    ))
}

/// Bash and curl.
pub fn curl() -> Tool {
    for program in ["bash", "curl"] {
        if !succeeds(Command::new(program).arg("--version")) {
            return Tool::Missing(format!("the test of bash: there is no {program}"));
        }
    }
    Tool::Found(PathBuf::from("bash"))
}
