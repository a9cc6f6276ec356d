//! The running mappings of a process: the one place that starts, changes and stops them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use event_source_mapping::{
    checkpoint::Checkpoints, poll_trigger::PollTrigger, queue::source::QueueState, target::Target,
};
use futures_util::future::join_all;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    CheckpointError, Mappings,
    definition::{Definition, Options, Origin},
    document,
    entry::{Entry, Now, State},
    kept::Kept,
    running::{MappingWatch, Paused, RunningMapping},
};

/// How long a change under way may take when the process ends.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What mappings are connected to.
pub trait Connections: Send + Sync {
    /// The function of this name; `None` where there is no such function.
    fn target(&self, function: &str) -> Option<Arc<dyn Target>>;

    /// What says when to read the stream of this name again.
    fn poll_trigger(&self, stream: &str) -> Arc<dyn PollTrigger>;
}

/// The function and the source of each mapping, by the mapping's name. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MappedFunctions(Arc<RwLock<BTreeMap<String, Ends>>>);

/// A mapping's function, and its stream or queue.
type Ends = (String, Arc<str>);

impl MappedFunctions {
    /// The function of a mapping; empty for one that is not known.
    #[must_use]
    pub fn of(&self, mapping: &str) -> String {
        let functions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = functions.get(mapping);
        found
            .map(|(function, _)| function.clone())
            .unwrap_or_default()
    }

    /// The name of a mapping's stream or queue; empty for one that is not known.
    #[must_use]
    pub fn source_of(&self, mapping: &str) -> Arc<str> {
        let functions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = functions.get(mapping);
        found.map_or_else(|| "".into(), |(_, source)| source.clone())
    }

    fn set(&self, definition: &Definition) {
        let mut functions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let about = (definition.function.clone(), definition.source().into());
        functions.insert(definition.name.clone(), about);
    }
}

/// The mappings. Clones are the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    mappings: Mappings,
    connections: Box<dyn Connections>,
    functions: MappedFunctions,
    /// In the order of their creation. Locked for every decision, never while waiting.
    entries: Mutex<Vec<Arc<Entry>>>,
    /// The data folder.
    folder: Option<PathBuf>,
    changes: Mutex<JoinSet<()>>,
    stopped: CancellationToken,
}

/// Why a mapping cannot be created, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no mapping of this UUID.
    #[error("there is no such mapping")]
    NotFound,
    /// Another mapping has the same event source and function.
    #[error("mapping {0} has the same event source and function")]
    Exists(Uuid),
    /// It is changing.
    #[error("the mapping is changing")]
    InUse,
    /// There is no function of this name.
    #[error("there is no function {0}")]
    NoFunction(String),
    /// The data folder cannot be written.
    #[error("the mapping cannot be kept in the data folder: {0}")]
    Keep(std::io::Error),
}

impl Registry {
    /// A registry without mappings. With a data folder, mappings that the API makes are
    /// kept in it.
    #[must_use]
    pub fn new(
        mappings: Mappings,
        connections: impl Connections + 'static,
        folder: Option<&Path>,
    ) -> Self {
        Self(Arc::new(Inner {
            mappings,
            connections: Box::new(connections),
            functions: MappedFunctions::default(),
            entries: Mutex::default(),
            folder: folder.map(Path::to_owned),
            changes: Mutex::default(),
            stopped: CancellationToken::new(),
        }))
    }

    /// Tells `functions` which function each mapping invokes.
    #[must_use]
    pub fn naming(mut self, functions: MappedFunctions) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.functions = functions;
        }
        self
    }

    /// Starts the template's mappings, and those that the API made in earlier runs.
    ///
    /// # Errors
    ///
    /// Another process runs a mapping on the same data folder, or its checkpoints or the
    /// kept mappings cannot be read.
    pub fn start(
        &self,
        template: impl IntoIterator<Item = Definition>,
    ) -> Result<(), CheckpointError> {
        for definition in template {
            self.start_one(definition)?;
        }
        let unreadable = |reason| CheckpointError {
            mapping: "the mappings that the API made".to_owned(),
            reason,
        };
        let kept = self.0.kept().map(|kept| kept.read()).transpose();
        for document in kept.map_err(unreadable)?.unwrap_or_default() {
            let mapping = document["UUID"].as_str().unwrap_or_default().to_owned();
            match document::kept(&document) {
                Ok(definition) if self.twin(&definition, None).is_some() => {
                    tracing::warn!(
                        mapping,
                        "the template has this mapping; the kept one is dropped"
                    );
                }
                Ok(definition) if self.0.connections.target(&definition.function).is_none() => {
                    let function = definition.function;
                    tracing::warn!(
                        mapping,
                        function,
                        "the template no longer has this mapping's function; the mapping is dropped"
                    );
                }
                Ok(definition) => self.start_one(definition)?,
                Err(error) => {
                    tracing::warn!(mapping, %error, "a kept mapping cannot be read; it is dropped");
                }
            }
        }
        Ok(())
    }

    fn start_one(&self, definition: Definition) -> Result<(), CheckpointError> {
        self.0.functions.set(&definition);
        let entry = Arc::new(Entry::new(definition, State::Creating));
        entry.start(&|definition, paused| self.0.run(definition, paused))?;
        self.0.entries().push(entry);
        Ok(())
    }

    /// Waits until every mapping delivers what is written from then on.
    pub async fn ready(&self) {
        let entries = self.0.entries().clone();
        join_all(entries.iter().map(|entry| entry.ready())).await;
    }

    /// Every mapping, in the order of creation.
    #[must_use]
    pub fn all(&self) -> Vec<Now> {
        self.0.entries().iter().map(|entry| entry.now()).collect()
    }

    /// The mapping of this UUID.
    #[must_use]
    pub fn get(&self, uuid: Uuid) -> Option<Now> {
        let entries = self.0.entries();
        Some(find(&entries, uuid)?.now())
    }

    /// Creates a mapping. It starts after this returns.
    ///
    /// # Errors
    ///
    /// It exists, has no function, or cannot be kept.
    pub fn create(&self, definition: Definition) -> Result<Now, RegistryError> {
        self.0.has_function(&definition)?;
        let entry = {
            let mut entries = self.0.entries();
            if let Some(twin) = twin(&entries, &definition, None) {
                return Err(RegistryError::Exists(twin));
            }
            let entry = Arc::new(Entry::new(definition, State::Creating));
            entries.push(entry.clone());
            if let Err(error) = self.0.keep(&entries) {
                entries.pop();
                return Err(RegistryError::Keep(error));
            }
            entry
        };
        let now = entry.now();
        self.0.functions.set(&now.definition);
        self.apply(entry);
        Ok(now)
    }

    /// Changes a mapping. It stops delivering, finishes what is under way, and continues at
    /// its checkpoints after this returns.
    ///
    /// # Errors
    ///
    /// As [`Registry::create`]; there is no such mapping, or it is changing.
    pub fn update(&self, uuid: Uuid, definition: Definition) -> Result<Now, RegistryError> {
        self.0.has_function(&definition)?;
        let entry = {
            let entries = self.0.entries();
            let entry = find(&entries, uuid).ok_or(RegistryError::NotFound)?;
            let before = entry.now();
            if before.state.is_changing() {
                return Err(RegistryError::InUse);
            }
            if let Some(twin) = twin(&entries, &definition, Some(uuid)) {
                return Err(RegistryError::Exists(twin));
            }
            let state = match (
                before.definition.options.enabled(),
                definition.options.enabled(),
            ) {
                (true, false) => State::Disabling,
                (false, true) => State::Enabling,
                _ => State::Updating,
            };
            entry.begin(definition, state);
            if let Err(error) = self.0.keep(&entries) {
                entry.begin(before.definition, before.state);
                return Err(RegistryError::Keep(error));
            }
            entry.clone()
        };
        let now = entry.now();
        self.0.functions.set(&now.definition);
        self.apply(entry);
        Ok(now)
    }

    /// Deletes a mapping and its checkpoints, once it has finished what is under way.
    ///
    /// # Errors
    ///
    /// There is no such mapping, it is changing, or the deletion cannot be kept.
    pub fn delete(&self, uuid: Uuid) -> Result<Now, RegistryError> {
        let entry = {
            let entries = self.0.entries();
            let entry = find(&entries, uuid).ok_or(RegistryError::NotFound)?;
            let before = entry.now();
            if before.state.is_changing() {
                return Err(RegistryError::InUse);
            }
            entry.begin(before.definition.clone(), State::Deleting);
            if let Err(error) = self.0.keep(&entries) {
                entry.begin(before.definition, before.state);
                return Err(RegistryError::Keep(error));
            }
            entry.clone()
        };
        let now = entry.now();
        let inner = self.0.clone();
        self.change(async move {
            entry.end().await;
            let definition = entry.now().definition;
            let removed = inner.folder.as_deref();
            let removed = removed.map(|folder| Checkpoints::remove(folder, &definition.name));
            if let Some(Err(error)) = removed {
                tracing::warn!(mapping = definition.name, %error, "the checkpoints of a deleted mapping stay");
            }
            inner.entries().retain(|one| !Arc::ptr_eq(one, &entry));
            entry.reach(State::Deleted);
        });
        Ok(now)
    }

    /// Whether the stream of this name exists, as far as its endpoint answers.
    pub async fn has_stream(&self, stream: &str) -> bool {
        self.0.mappings.has_stream(stream).await
    }

    /// Waits until every record written so far is processed, discarded or filtered out, by
    /// every mapping that is not disabled, and then until their queues are empty: a batch
    /// that is discarded may go to one of them. False if the process stops before.
    pub async fn settled(&self) -> bool {
        let entries = self.0.entries().clone();
        let (queues, streams): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|entry| matches!(entry.now().definition.options, Options::Queue(_)));
        let settled = async {
            join_all(streams.iter().map(|entry| entry.settled())).await;
            join_all(queues.iter().map(|entry| entry.settled())).await;
        };
        tokio::select! {
            () = settled => true,
            () = self.0.stopped.cancelled() => false,
        }
    }

    /// The state of the queue of this name; `None` where it does not exist, or there is no
    /// SQS.
    pub async fn queue(&self, name: &str) -> Option<QueueState> {
        self.0.mappings.queue_state(name).await
    }

    /// Asks the mapped queues for their state, for the next look at their status.
    pub async fn refresh(&self) {
        let watches = self.all().into_iter().filter_map(|now| now.watch);
        let refreshed = watches.map(|watch| async move {
            if let MappingWatch::Queue(watch) = watch {
                watch.refresh().await;
            }
        });
        join_all(refreshed).await;
    }

    /// Finishes the invocations under way and stops every mapping, in a few seconds.
    pub async fn stop(&self) {
        let mut changes = std::mem::take(&mut *lock(&self.0.changes));
        let over = timeout(STOP_GRACE, async {
            while changes.join_next().await.is_some() {}
        });
        if over.await.is_err() {
            changes.shutdown().await;
        }
        let entries = self.0.entries().clone();
        join_all(entries.iter().map(|entry| entry.stop())).await;
        self.0.stopped.cancel();
    }

    fn twin(&self, definition: &Definition, but: Option<Uuid>) -> Option<Uuid> {
        twin(&self.0.entries(), definition, but)
    }

    fn apply(&self, entry: Arc<Entry>) {
        let inner = self.0.clone();
        self.change(async move {
            entry
                .apply(&|definition, paused| inner.run(definition, paused))
                .await;
        });
    }

    fn change(&self, change: impl Future<Output = ()> + Send + 'static) {
        let mut changes = lock(&self.0.changes);
        while changes.try_join_next().is_some() {}
        changes.spawn(change);
    }
}

impl Inner {
    fn run(
        &self,
        definition: &Definition,
        paused: Option<Paused>,
    ) -> Result<RunningMapping, CheckpointError> {
        let function = &definition.function;
        let target = self
            .connections
            .target(function)
            .ok_or_else(|| CheckpointError {
                mapping: definition.name.clone(),
                reason: std::io::Error::other(format!("there is no function {function}")),
            })?;
        let trigger = || self.connections.poll_trigger(definition.stream());
        self.mappings.run(definition, paused, target, trigger)
    }

    fn has_function(&self, definition: &Definition) -> Result<(), RegistryError> {
        match self.connections.target(&definition.function) {
            Some(_) => Ok(()),
            None => Err(RegistryError::NoFunction(definition.function.clone())),
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.folder.as_deref().map(Kept::in_folder)
    }

    /// Writes the mappings that the API made and has not deleted.
    fn keep(&self, entries: &[Arc<Entry>]) -> std::io::Result<()> {
        let Some(kept) = self.kept() else {
            return Ok(());
        };
        let all = entries.iter().map(|entry| entry.now());
        let own = all.filter(|now| {
            now.definition.origin == Origin::Api
                && !matches!(now.state, State::Deleting | State::Deleted)
        });
        let documents: Vec<_> = own.map(|now| document::keep(&now.definition)).collect();
        kept.write(&documents)
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        lock(&self.entries)
    }
}

fn find(entries: &[Arc<Entry>], uuid: Uuid) -> Option<&Arc<Entry>> {
    entries
        .iter()
        .find(|entry| entry.now().definition.uuid == uuid)
}

/// The mapping, other than `but`, with the same event source and function.
fn twin(entries: &[Arc<Entry>], definition: &Definition, but: Option<Uuid>) -> Option<Uuid> {
    let all = entries.iter().map(|entry| entry.now().definition);
    let mut twins = all.filter(|one| {
        one.source_arn == definition.source_arn
            && one.function == definition.function
            && Some(one.uuid) != but
    });
    twins.next().map(|one| one.uuid)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
