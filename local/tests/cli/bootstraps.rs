//! What a function needs to run, and what the tool says when it is missing.

use std::fs;

use crate::run::{Run, executable};

fn template(runtime: &str) -> String {
    format!(
        "Resources:\n  Orders:\n    Type: AWS::Serverless::Function\n    Properties: {{ \
         Runtime: {runtime}, Handler: app.handler, CodeUri: . }}\n"
    )
}

/// `klocal exec -- true` where the `PATH` has these programs and nothing else.
fn exec(runtime: &str, programs: &[(&str, &str)]) -> Run {
    let mut run = Run::new(&["exec", "--", "/bin/true"]).file("template.yaml", &template(runtime));
    let bin = run.folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for (name, script) in programs {
        let program = bin.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        executable(&program);
    }
    run.command.env("PATH", bin).env_remove("VIRTUAL_ENV");
    run
}

#[test]
fn an_unsupported_runtime_is_refused_with_those_that_run_and_the_flag() {
    for runtime in ["java21", "dotnet8", "ruby3.4", "go1.x", "nodejs16.x"] {
        assert_eq!(
            exec(runtime, &[]).refusal(),
            format!(
                "error: function Orders: runtime {runtime} does not run here; supported: \
                 provided.*, python3.*, nodejs18.x and later\n\
                 hint: run any executable with `--bootstrap Orders=PATH`"
            )
        );
    }
}

#[test]
fn a_bootstrap_runs_a_function_of_any_runtime() {
    let run = Run::new(&["exec", "--bootstrap=/bin/false", "--", "/bin/true"]);
    let output = run.file("template.yaml", &template("java21")).output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    assert!(
        error.contains("error: function Orders does not start: Runtime exited with error"),
        "{error}"
    );
}

#[test]
fn a_missing_interpreter_is_named() {
    assert_eq!(
        exec("python3.12", &[]).refusal(),
        "error: function Orders: runtime python3.12 needs python3.12 or python3 on the PATH\n\
         hint: install Python 3.12, or run any executable with `--bootstrap Orders=PATH`"
    );
    assert_eq!(
        exec("nodejs22.x", &[]).refusal(),
        "error: function Orders: runtime nodejs22.x needs node on the PATH\n\
         hint: install Node.js 22, or run any executable with `--bootstrap Orders=PATH`"
    );
}

#[test]
fn a_python_without_the_runtime_client_is_named_with_the_command_that_installs_it() {
    let python = ("python3", "printf '/opt/python3\\n3.12.1\\nFalse\\n'");
    let broken = ("python3.12", "exit 127");
    assert_eq!(
        exec("python3.12", &[python, broken]).refusal(),
        "error: function Orders: /opt/python3 has no awslambdaric, Lambda's runtime interface \
         client for Python\n\
         hint: run `/opt/python3 -m pip install awslambdaric`"
    );
}

#[test]
fn another_version_of_the_interpreter_is_a_warning() {
    for (runtime, name, script, expected) in [
        (
            "python3.13",
            "python3",
            "printf '/bin/false\\n3.12.1\\nTrue\\n'",
            "runtime python3.13 runs with Python 3.12.1 (/bin/false)",
        ),
        (
            "nodejs22.x",
            "node",
            "printf '/bin/false\\n20.19.0\\n'",
            "runtime nodejs22.x runs with Node.js 20.19.0 (/bin/false)",
        ),
    ] {
        let output = exec(runtime, &[(name, script)]).output();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{error}");
        let warning = format!("warning: function Orders: {expected}\n");
        assert!(error.contains(&warning), "{error}");
    }
}

#[test]
fn code_that_is_not_in_a_folder_is_refused() {
    let text = template("python3.12").replace("CodeUri: .", "CodeUri: app.zip");
    let refusal = exec("python3.12", &[])
        .file("template.yaml", &text)
        .refusal();
    assert!(
        refusal.starts_with("error: function Orders: CodeUri /")
            && refusal.ends_with(
                "/app.zip is not a folder\nhint: name the folder with the handler's file"
            ),
        "{refusal}"
    );
}
