//! A disk in memory that forgets, in any combination, what was not flushed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a simulated disk serves tests, which stop where it is used wrongly"
)]

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::{Component, Path},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{Disk, DiskFile, Lock};

/// Bytes that reach the disk together: small, so that a record takes several pages.
const PAGE: usize = 64;

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    nodes: Vec<Node>,
    /// Operations until the power fails.
    left: u64,
    /// Flushes of files fail, and lose their bytes.
    flushes_fail: bool,
    /// Counts power failures and restarts: files opened before are dead.
    session: u64,
    open_files: Arc<()>,
    random: fastrand::Rng,
}

/// A file or a folder, as the process sees it and as the disk holds it.
#[derive(Debug, Clone)]
enum Node {
    File {
        seen: Vec<u8>,
        flushed: Vec<u8>,
    },
    Folder {
        seen: Names,
        flushed: Names,
        changes: Vec<Change>,
    },
}

type Names = BTreeMap<String, usize>;

/// A change of a folder that is not flushed.
#[derive(Debug, Clone)]
enum Change {
    Add(String, usize),
    Remove(String),
    Rename(String, String),
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            nodes: vec![folder()],
            left: u64::MAX,
            flushes_fail: false,
            session: 0,
            open_files: Arc::default(),
            random: fastrand::Rng::with_seed(0),
        }
    }
}

fn folder() -> Node {
    Node::Folder {
        seen: Names::new(),
        flushed: Names::new(),
        changes: Vec::new(),
    }
}

fn missing() -> io::Error {
    io::Error::new(ErrorKind::NotFound, "no such file or folder")
}

impl SimulatedDisk {
    /// A disk whose losses follow from `seed`.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let disk = Self::default();
        disk.0.lock().random = fastrand::Rng::with_seed(seed);
        disk
    }

    /// Lets the power fail after `operations` more operations.
    pub fn fail_after(&self, operations: u64) {
        self.0.lock().left = operations;
    }

    /// Lets the flushes of files fail, and lose their bytes.
    pub fn fail_flushes(&self, fail: bool) {
        self.0.lock().flushes_fail = fail;
    }

    /// How many files are open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        Arc::strong_count(&self.0.lock().open_files) - 1
    }

    /// The process ends: the operating system still has everything.
    pub fn kill(&self) {
        let mut state = self.0.lock();
        state.session += 1;
        state.left = u64::MAX;
    }

    /// The power fails: whatever was not flushed may be there or not.
    pub fn cut_power(&self) {
        self.kill();
        let mut state = self.0.lock();
        let mut random = state.random.fork();
        for node in &mut state.nodes {
            match node {
                Node::File { seen, flushed } => {
                    *flushed = survivor(seen, flushed, &mut random);
                    seen.clone_from(flushed);
                }
                Node::Folder {
                    seen,
                    flushed,
                    changes,
                } => {
                    for change in changes.drain(..) {
                        if random.bool() {
                            change.apply(flushed);
                        }
                    }
                    seen.clone_from(flushed);
                }
            }
        }
    }

    /// The power fails, and nothing survives that was not flushed.
    pub fn cut_power_and_lose_all(&self) {
        self.kill();
        for node in &mut self.0.lock().nodes {
            match node {
                Node::File { seen, flushed } => seen.clone_from(flushed),
                Node::Folder {
                    seen,
                    flushed,
                    changes,
                } => {
                    changes.clear();
                    seen.clone_from(flushed);
                }
            }
        }
    }
}

/// Any mixture of the pages of two versions of a file.
fn survivor(seen: &[u8], flushed: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let (short, long) = (seen.len().min(flushed.len()), seen.len().max(flushed.len()));
    let length = match random.u8(0..3) {
        0 => flushed.len(),
        1 => seen.len(),
        _ => random.usize(short..=long),
    };
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let start = bytes.len();
        // Appends leave the bytes of a page alone that were there before.
        let end = length.min((start / PAGE + 1) * PAGE);
        let version = if random.bool() { seen } else { flushed };
        let blank = if random.bool() { 0 } else { random.u8(..) };
        for at in start..end {
            let same = seen.get(at).filter(|byte| flushed.get(at) == Some(byte));
            bytes.push(*same.or_else(|| version.get(at)).unwrap_or(&blank));
        }
    }
    bytes
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::Error::other("the power is off"));
        }
        self.left -= 1;
        Ok(())
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut found = 0;
        for component in path.components() {
            let Component::Normal(name) = component else {
                continue;
            };
            let Some(Node::Folder { seen, .. }) = self.nodes.get(found) else {
                return Err(missing());
            };
            let name = name.to_str().unwrap();
            found = *seen.get(name).ok_or_else(missing)?;
        }
        Ok(found)
    }

    fn change(&mut self, folder: usize, change: Change) {
        let Some(Node::Folder { seen, changes, .. }) = self.nodes.get_mut(folder) else {
            panic!("{folder} is no folder");
        };
        change.apply(seen);
        changes.push(change);
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let parent = self.find(path.parent().unwrap())?;
        self.nodes.push(node);
        let added = self.nodes.len() - 1;
        self.change(parent, Change::Add(name(path), added));
        Ok(added)
    }

    fn file(&mut self, node: usize, session: u64) -> io::Result<(&mut Vec<u8>, &mut Vec<u8>)> {
        self.operate()?;
        if session != self.session {
            return Err(io::Error::other("the process has ended"));
        }
        match self.nodes.get_mut(node) {
            Some(Node::File { seen, flushed }) => Ok((seen, flushed)),
            _ => Err(missing()),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        if state.find(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.add(path, folder()).map(|_| ())
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        for folder in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            if self.0.lock().find(folder).is_err() {
                self.create_folder(folder)?;
            }
        }
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut state = self.0.lock();
        state.operate()?;
        let found = state.find(folder)?;
        match state.nodes.get(found) {
            Some(Node::Folder { seen, .. }) => Ok(seen.keys().cloned().collect()),
            _ => Err(missing()),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock();
        let (found, session) = (state.find(path)?, state.session);
        state.file(found, session).map(|(seen, _)| seen.clone())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.operate()?;
        let node = match state.find(path) {
            Ok(node) => node,
            Err(_) => state.add(
                path,
                Node::File {
                    seen: Vec::new(),
                    flushed: Vec::new(),
                },
            )?,
        };
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            node,
            session: state.session,
            _open: Arc::clone(&state.open_files),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.find(from)?;
        let parent = state.find(from.parent().unwrap())?;
        state.change(parent, Change::Rename(name(from), name(to)));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.find(path)?;
        let parent = state.find(path.parent().unwrap())?;
        state.change(parent, Change::Remove(name(path)));
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        for name in self.list(path)? {
            let child = path.join(name);
            let node = self.0.lock().find(&child)?;
            let is_folder = matches!(self.0.lock().nodes.get(node), Some(Node::Folder { .. }));
            if is_folder {
                self.remove_folder(&child)?;
            } else {
                self.remove_file(&child)?;
            }
        }
        self.remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let found = state.find(path)?;
        let Some(Node::Folder {
            seen,
            flushed,
            changes,
        }) = state.nodes.get_mut(found)
        else {
            return Err(missing());
        };
        changes.clear();
        flushed.clone_from(seen);
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        1500
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Lock>> {
        Ok(Some(Lock::unshared()))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
    session: u64,
    _open: Arc<()>,
}

impl DiskFile for SimulatedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let last = state.left == 1;
        let (seen, _) = state.file(self.node, self.session)?;
        if last {
            // The power fails in the middle of it.
            seen.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(io::Error::other("the power is off"));
        }
        seen.extend_from_slice(bytes);
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let (seen, _) = state.file(self.node, self.session)?;
        seen.resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let fail = state.flushes_fail;
        let (seen, flushed) = state.file(self.node, self.session)?;
        if fail {
            return Err(io::Error::other("the disk is failing"));
        }
        flushed.clone_from(seen);
        Ok(())
    }
}
