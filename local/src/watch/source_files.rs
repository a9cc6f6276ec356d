//! The source files of an interpreted function.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::Stamps;

/// The files in `folder` and its folders, without those that are installed, generated, hidden
/// or in `ignored`.
pub(super) fn stamps(folder: &Path, ignored: Option<&Path>) -> Stamps {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // A link to a folder is not followed: it may lead back.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                if !is_generated(&path) && Some(path.as_path()) != ignored {
                    folders.push(path);
                }
            } else if !is_output(&path) {
                let metadata = path.metadata().ok();
                let stamp = metadata.and_then(|file| Some((file.modified().ok()?, file.len())));
                files.insert(path, stamp);
            }
        }
    }
    files
}

/// Whether a folder has no source: packages, caches, and folders that tools hide.
fn is_generated(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    ["node_modules", "__pycache__"].contains(&name.as_ref())
        || name.starts_with('.')
        // A virtual environment, whatever its name is (PEP 405).
        || folder.join("pyvenv.cfg").is_file()
}

/// Whether a function or a tool writes the file while it runs.
fn is_output(file: &Path) -> bool {
    let name = PathBuf::from(file.file_name().unwrap_or_default());
    let extension = name.extension().unwrap_or_default();
    ["log", "pyc", "tmp", "swp"]
        .iter()
        .any(|one| extension == *one)
        || name.to_string_lossy().starts_with('.')
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use super::stamps;

    #[test]
    fn source_files_are_those_that_nothing_installs_or_generates() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for file in [
            "app.py",
            "shared/text.json",
            "functions.log",
            "__pycache__/app.pyc",
            ".venv/lib/one.py",
            "other-env/pyvenv.cfg",
            "other-env/lib/two.py",
            "node_modules/left-pad/index.js",
            "state/records",
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let found: BTreeSet<PathBuf> = stamps(root, Some(&root.join("state")))
            .into_keys()
            .collect();
        let expected = ["app.py", "shared/text.json"].map(|file| root.join(file));
        assert_eq!(found, BTreeSet::from(expected));
    }
}
