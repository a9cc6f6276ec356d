//! Node.js functions: an interpreter and a runtime interface client, the function's own
//! `aws-lambda-ric` or the one of this tool.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lambda_host::Bootstrap;
use serde_json::Value;
use tokio::process::Command;

use super::{
    BootstrapError, Code,
    launch::{Launch, lines, search_path, tell_other_version},
};

/// This tool's runtime interface client. `aws-lambda-ric` compiles C++ when it is installed.
pub(super) const CLIENT: &str = include_str!("node_client.mjs");

/// The name of its file.
pub(super) const CLIENT_FILE: &str = "node_client.mjs";

/// Prints the interpreter and its version. Version managers have another file on the `PATH`.
const PROBE: &str = "console.log(process.execPath + '\\n' + process.versions.node)";

pub(super) async fn launch(code: &Code, major: u32) -> Result<Launch, BootstrapError> {
    let mut command = Command::new("node");
    command.args(["-e", PROBE]).current_dir(&code.folder);
    let lines = lines(&mut command).await.unwrap_or_default();
    let [program, version] = lines.as_slice() else {
        return Err(BootstrapError::NoInterpreter {
            function: code.function.clone(),
            runtime: code.runtime.to_string(),
            tried: "node on the PATH".to_owned(),
            install: format!("Node.js {major}"),
        });
    };
    if !version.starts_with(&format!("{major}.")) {
        let runs = format!("Node.js {version} ({program})");
        tell_other_version(&code.function, code.runtime, &runs);
    }
    let mut variables = BTreeMap::from([(
        "AWS_EXECUTION_ENV".to_owned(),
        format!("AWS_Lambda_{}", code.runtime),
    )]);
    if let Some(path) = node_path(&code.folder, major) {
        variables.insert("NODE_PATH".to_owned(), path);
    }
    let node = Bootstrap {
        task_root: Some(code.folder.clone()),
        variables,
        ..Bootstrap::from(program.as_str())
    };
    Ok(match own_client(&code.folder) {
        Some(client) => Launch::Bootstrap(Bootstrap {
            arguments: vec![client.into(), code.handler.clone().into()],
            ..node
        }),
        None => Launch::Node(node),
    })
}

/// The program of the nearest `aws-lambda-ric` in `node_modules`, by its `package.json`: its
/// path differs between versions.
fn own_client(code: &Path) -> Option<PathBuf> {
    let packages = code.ancestors();
    let mut packages = packages.map(|folder| folder.join("node_modules/aws-lambda-ric"));
    packages.find_map(|package| {
        let manifest = std::fs::read(package.join("package.json")).ok()?;
        let manifest: Value = serde_json::from_slice(&manifest).ok()?;
        let program = match &manifest["bin"] {
            Value::String(program) => program,
            programs => programs["aws-lambda-ric"].as_str()?,
        };
        let program = package.join(program);
        program.is_file().then_some(program)
    })
}

/// Where packages are found besides `node_modules`: what Lambda has from layers in
/// `/opt/nodejs`, here in a folder `nodejs` in `CodeUri` or beside it.
fn node_path(code: &Path, major: u32) -> Option<String> {
    let layers = [Some(code), code.parent()].into_iter().flatten();
    search_path(layers.flat_map(|folder| {
        let layer = folder.join("nodejs");
        let of_version = layer.join(format!("node{major}/node_modules"));
        [of_version, layer.join("node_modules")]
    }))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{node_path, own_client};

    fn package(folder: &Path, manifest: &str, program: &str) {
        let package = folder.join("node_modules/aws-lambda-ric");
        let program = package.join(program);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(program, "").unwrap();
        fs::write(package.join("package.json"), manifest).unwrap();
    }

    #[test]
    fn the_nearest_aws_lambda_ric_is_found_by_its_manifest() {
        let root = tempfile::tempdir().unwrap();
        let code = root.path().join("functions/orders");
        fs::create_dir_all(&code).unwrap();
        assert_eq!(own_client(&code), None);
        package(
            root.path(),
            r#"{"bin": {"aws-lambda-ric": "bin/index.mjs"}}"#,
            "bin/index.mjs",
        );
        let above = root.path().join("node_modules/aws-lambda-ric");
        assert_eq!(own_client(&code), Some(above.join("bin/index.mjs")));
        package(&code, r#"{"bin": "index.mjs"}"#, "index.mjs");
        let own = code.join("node_modules/aws-lambda-ric");
        assert_eq!(own_client(&code), Some(own.join("index.mjs")));
    }

    #[test]
    fn packages_are_found_in_layers_beside_the_code() {
        let root = tempfile::tempdir().unwrap();
        let code = root.path().join("code");
        let layer = root.path().join("nodejs/node_modules");
        fs::create_dir_all(&code).unwrap();
        assert_eq!(node_path(&code, 20), None);
        fs::create_dir_all(&layer).unwrap();
        assert_eq!(node_path(&code, 20), Some(layer.display().to_string()));
    }
}
