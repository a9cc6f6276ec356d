//! Which environments run on this machine: `klocal up` leaves a note, by which other
//! commands find it on any port.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use durable_files::private;
use nix::{sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};

use crate::project;

/// A running environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    pid: i32,
    /// Its Invoke API.
    url: String,
    template: PathBuf,
}

/// The note of this process. Dropping it removes it.
#[derive(Debug)]
pub struct Note(PathBuf);

impl Note {
    /// Leaves a note that the project of `template` is served at `url`. `None` where it
    /// cannot be written: then other commands need `--url`.
    #[must_use]
    pub fn leave(url: &str, template: &Path) -> Option<Self> {
        Self::leave_in(&folder(), url, template)
    }

    fn leave_in(folder: &Path, url: &str, template: &Path) -> Option<Self> {
        private::folder(folder).ok()?;
        let running = Running {
            pid: i32::try_from(std::process::id()).ok()?,
            url: url.to_owned(),
            template: fs::canonicalize(template).ok()?,
        };
        let file = folder.join(format!("{}.json", running.pid));
        let text = serde_json::to_vec(&running).ok()?;
        fs::write(&file, text).ok()?;
        Some(Self(file))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        // It stays while others run.
        let _ = self.0.parent().map(fs::remove_dir);
    }
}

/// The Invoke API of the environment that a command means: that of the working folder's
/// project, or the only one that runs.
#[must_use]
pub fn url() -> Option<String> {
    let template = std::env::current_dir().ok();
    let template = template.and_then(|here| project::find_template(&here).ok());
    url_in(&folder(), template.as_deref())
}

fn url_in(folder: &Path, template: Option<&Path>) -> Option<String> {
    let mut all = running(folder);
    let template = template.and_then(|template| fs::canonicalize(template).ok());
    let own = |running: &Running| Some(&running.template) == template.as_ref();
    if let Some(own) = all.iter().position(own) {
        return Some(all.swap_remove(own).url);
    }
    match all.as_slice() {
        [only] => Some(only.url.clone()),
        _ => None,
    }
}

/// The environments that run, as far as this user's notes say.
fn running(folder: &Path) -> Vec<Running> {
    // A folder of others could hold anybody's address.
    let is_private =
        fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o777 == 0o700);
    let notes = fs::read_dir(folder).ok().filter(|_| is_private);
    let notes = notes.into_iter().flatten().flatten();
    let read = notes.filter_map(|note| {
        let running: Running = serde_json::from_slice(&fs::read(note.path()).ok()?).ok()?;
        // A process that was killed has left its note.
        let lives = kill(Pid::from_raw(running.pid), None).is_ok();
        if !lives {
            let _ = fs::remove_file(note.path());
        }
        lives.then_some(running)
    });
    read.collect()
}

fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder).join("klocal"),
        _ => std::env::temp_dir().join("klocal-running"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Note, Running, url_in};

    /// A folder with a template, and the note of another process about it.
    fn note(folder: &Path, name: &str, pid: i32) -> std::path::PathBuf {
        let template = folder.join(format!("{name}.yaml"));
        fs::write(&template, "").unwrap();
        let running = Running {
            pid,
            url: format!("http://{name}"),
            template: fs::canonicalize(&template).unwrap(),
        };
        let notes = folder.join("notes");
        durable_files::private::folder(&notes).unwrap();
        let text = serde_json::to_vec(&running).unwrap();
        fs::write(notes.join(format!("{name}.json")), text).unwrap();
        template
    }

    #[test]
    fn a_command_finds_its_project_s_environment_or_the_only_one() {
        let folder = tempfile::tempdir().unwrap();
        let (notes, own) = (
            folder.path().join("notes"),
            i32::try_from(std::process::id()),
        );
        let one = note(folder.path(), "one", own.unwrap());
        assert_eq!(url_in(&notes, None).as_deref(), Some("http://one"));
        let two = note(folder.path(), "two", own.unwrap());
        assert_eq!(url_in(&notes, Some(&one)).as_deref(), Some("http://one"));
        assert_eq!(url_in(&notes, Some(&two)).as_deref(), Some("http://two"));
        assert_eq!(url_in(&notes, None), None, "it could be either");
    }

    #[test]
    fn the_note_of_a_process_that_was_killed_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        // No process has this id.
        note(folder.path(), "gone", i32::MAX);
        assert_eq!(url_in(&notes, None), None);
        assert!(fs::read_dir(&notes).unwrap().next().is_none());
    }

    #[test]
    fn a_note_is_removed_at_the_end_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("template.yaml");
        fs::write(&template, "").unwrap();
        let notes = folder.path().join("notes");
        let note = Note::leave_in(&notes, "http://here", &template).unwrap();
        assert_eq!(url_in(&notes, None).as_deref(), Some("http://here"));
        drop(note);
        assert!(!notes.exists());
    }
}
