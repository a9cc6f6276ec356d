//! Python functions: an interpreter and `awslambdaric`, Lambda's runtime interface client.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lambda_host::Bootstrap;
use tokio::process::Command;

use super::{
    BootstrapError, Code,
    launch::{Launch, lines, search_path, tell_other_version},
};

/// Prints the interpreter, its version, and whether it has the client.
const PROBE: &str = "\
import importlib.util, sys
print(sys.executable)
print('%d.%d.%d' % sys.version_info[:3])
print(importlib.util.find_spec('awslambdaric') is not None)";

/// An interpreter that was asked.
struct Python {
    program: PathBuf,
    version: String,
    has_client: bool,
}

/// The interpreter for the code, in its order of preference: the virtual environment in
/// `CodeUri`, the active one, the nearest one above `CodeUri`, and those on the `PATH`.
pub(super) async fn launch(code: &Code, minor: u32) -> Result<Launch, BootstrapError> {
    let virtual_env = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let environment = virtual_environment(&code.folder, virtual_env);
    let python = match &environment {
        Some(program) => ask(program, code, minor).await,
        None => on_path(code, minor).await,
    };
    let Some(python) = python else {
        return Err(BootstrapError::NoInterpreter {
            function: code.function.clone(),
            runtime: code.runtime.to_string(),
            tried: match environment {
                Some(program) => format!("a Python that runs, and {} does not", program.display()),
                None => format!("python3.{minor} or python3 on the PATH"),
            },
            install: format!("Python 3.{minor}"),
        });
    };
    if !python.has_client {
        return Err(BootstrapError::NoClient {
            function: code.function.clone(),
            install: install(&python.program),
            python: python.program,
        });
    }
    if !python.version.starts_with(&format!("3.{minor}.")) {
        let runs = format!("Python {} ({})", python.version, python.program.display());
        tell_other_version(&code.function, code.runtime, &runs);
    }
    let arguments = ["-m", "awslambdaric", &code.handler];
    Ok(Launch::Bootstrap(Bootstrap {
        arguments: arguments.map(Into::into).into(),
        task_root: Some(code.folder.clone()),
        variables: BTreeMap::from([
            (
                "AWS_EXECUTION_ENV".to_owned(),
                format!("AWS_Lambda_{}", code.runtime),
            ),
            ("PYTHONPATH".to_owned(), python_path(&code.folder, minor)),
        ]),
        ..Bootstrap::from(python.program)
    }))
}

/// The interpreter of the virtual environment that the code is for, if there is one.
fn virtual_environment(code: &Path, active: Option<PathBuf>) -> Option<PathBuf> {
    let in_folder = |folder: &Path| [".venv", "venv"].map(|name| folder.join(name));
    let above = code.ancestors().skip(1).flat_map(in_folder);
    let environments = in_folder(code).into_iter().chain(active).chain(above);
    environments
        .map(|environment| environment.join("bin/python"))
        .find(|python| python.is_file())
}

/// The command that installs the client. A virtual environment that uv makes has no pip.
fn install(python: &Path) -> String {
    let configuration = python.parent().and_then(Path::parent);
    let configuration = configuration.map(|folder| folder.join("pyvenv.cfg"));
    let configuration = configuration.and_then(|file| std::fs::read_to_string(file).ok());
    let is_of_uv = |text: String| text.lines().any(|line| line.starts_with("uv ="));
    if configuration.is_some_and(is_of_uv) {
        format!("uv pip install --python {} awslambdaric", python.display())
    } else {
        format!("{} -m pip install awslambdaric", python.display())
    }
}

/// The first interpreter on the `PATH` that has the client, or else the first.
async fn on_path(code: &Code, minor: u32) -> Option<Python> {
    let mut first = None;
    for name in [format!("python3.{minor}"), "python3".to_owned()] {
        match ask(Path::new(&name), code, minor).await {
            Some(python) if python.has_client => return Some(python),
            Some(python) => first = first.or(Some(python)),
            None => {}
        }
    }
    first
}

async fn ask(program: &Path, code: &Code, minor: u32) -> Option<Python> {
    let mut command = Command::new(program);
    command
        .args(["-c", PROBE])
        .current_dir(&code.folder)
        .env("PYTHONPATH", python_path(&code.folder, minor));
    let lines = lines(&mut command).await?;
    let [program, version, has_client] = lines.as_slice() else {
        return None;
    };
    Some(Python {
        program: program.into(),
        version: version.clone(),
        has_client: has_client == "True",
    })
}

/// Where modules are found: `CodeUri`, then what Lambda has from layers in `/opt/python`,
/// here in a folder `python` in `CodeUri` or beside it.
fn python_path(code: &Path, minor: u32) -> String {
    let layers = [Some(code), code.parent()];
    let layers = layers.into_iter().flatten().flat_map(|folder| {
        let python = folder.join("python");
        let site = python.join(format!("lib/python3.{minor}/site-packages"));
        [site, python]
    });
    let folders = std::iter::once(code.to_owned()).chain(layers);
    search_path(folders).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{install, python_path, virtual_environment};

    fn environment(folder: &Path) {
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/python"), "").unwrap();
    }

    #[test]
    fn the_code_s_own_environment_wins_over_the_active_one_and_that_over_one_above() {
        let root = tempfile::tempdir().unwrap();
        let (code, active) = (root.path().join("project/code"), root.path().join("active"));
        let python = |folder: &Path| Some(folder.join("bin/python"));
        environment(&active);
        environment(&root.path().join("venv"));
        fs::create_dir_all(&code).unwrap();
        assert_eq!(
            virtual_environment(&code, None),
            python(&root.path().join("venv"))
        );
        environment(&root.path().join("project/.venv"));
        assert_eq!(
            virtual_environment(&code, None),
            python(&root.path().join("project/.venv"))
        );
        assert_eq!(
            virtual_environment(&code, Some(active.clone())),
            python(&active)
        );
        environment(&code.join(".venv"));
        assert_eq!(
            virtual_environment(&code, Some(active)),
            python(&code.join(".venv"))
        );
    }

    #[test]
    fn the_client_is_installed_with_the_tool_that_made_the_environment() {
        let root = tempfile::tempdir().unwrap();
        let python = root.path().join("bin/python");
        let path = python.display();
        let pip = format!("{path} -m pip install awslambdaric");
        assert_eq!(install(&python), pip);
        fs::write(root.path().join("pyvenv.cfg"), "home = /usr\nuv = 0.9.1\n").unwrap();
        let uv = format!("uv pip install --python {path} awslambdaric");
        assert_eq!(install(&python), uv);
    }

    #[test]
    fn modules_are_found_in_the_code_and_then_in_layers_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let (code, python) = (root.path().join("code"), root.path().join("python"));
        let site = python.join("lib/python3.12/site-packages");
        fs::create_dir_all(&code).unwrap();
        fs::create_dir_all(&site).unwrap();
        let expected = [&code, &site, &python].map(|folder| folder.display().to_string());
        assert_eq!(python_path(&code, 12), expected.join(":"));
    }
}
