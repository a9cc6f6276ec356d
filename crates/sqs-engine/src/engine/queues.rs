//! Creating, describing, changing and deleting queues.

use std::collections::BTreeMap;

use super::{
    Engine, Inner,
    attributes::{Attributes, Settings, check_names},
    change::Change,
    committed, names,
    queue::Description,
};
use crate::error::{Code, SqsError};

/// The wait after a deletion, and between two purges, milliseconds (API reference,
/// `QueueDeletedRecently`, `PurgeQueueInProgress`).
const WAIT: u64 = 60_000;

/// A page of queue names.
#[derive(Debug)]
pub(crate) struct Page {
    pub names: Vec<String>,
    /// There are more.
    pub more: bool,
}

impl Engine {
    /// The queue called `name`.
    #[must_use]
    pub(crate) fn find(&self, name: &str) -> Option<u64> {
        self.inner.lock().queues.id(name)
    }

    /// The queue that a request names by its URL.
    ///
    /// # Errors
    ///
    /// `MissingParameter`, `QueueDoesNotExist`.
    pub(crate) fn by_url(&self, url: &str) -> Result<u64, SqsError> {
        let name = names::name_in_url(url)?;
        self.find(name).ok_or_else(SqsError::no_such_queue)
    }

    /// The queue with this ARN.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException`.
    pub(crate) fn by_arn(&self, arn: &str) -> Result<u64, SqsError> {
        let name = self.name_in_arn(arn);
        name.and_then(|name| self.find(name)).ok_or_else(|| {
            SqsError::new(
                Code::ResourceNotFound,
                "The resource that you specified for the SourceArn or the DestinationArn parameter \
                 doesn't exist.",
            )
        })
    }

    /// Creates a queue, or finds the one of that name.
    ///
    /// # Errors
    ///
    /// `QueueNameExists` if an attribute of the request differs from that queue's,
    /// `QueueDeletedRecently`, or what is wrong with the name or an attribute.
    pub(crate) async fn create(
        &self,
        name: &str,
        attributes: &Attributes,
        tags: Attributes,
    ) -> Result<u64, SqsError> {
        let fifo = attributes
            .get("FifoQueue")
            .is_some_and(|fifo| fifo == "true");
        names::check(name, fifo)?;
        let mut settings = Settings::new(fifo);
        settings.set(attributes)?;
        let (id, commit) = {
            let mut inner = self.inner.lock();
            if let Some(id) = inner.queues.id(name) {
                same_attributes(inner.queue(id)?.settings(), &settings, attributes)?;
                return Ok(id);
            }
            let now = self.now();
            let deleted = inner.deleted.get(name).copied();
            if self.options.enforce_limits && deleted.is_some_and(|at| now < at + WAIT) {
                return Err(SqsError::new(
                    Code::QueueDeletedRecently,
                    "You must wait 60 seconds after deleting a queue before you can create another \
                     with the same name.",
                ));
            }
            self.check_redrive(&inner, name, &settings)?;
            let id = inner.number(&self.options.clock);
            let description = Description {
                id,
                name: name.to_owned(),
                created: now,
                modified: now,
                settings,
                tags,
            };
            let commit = inner.write(vec![Change::Describe(Box::new(description))])?;
            inner.deleted.remove(name);
            inner.clean(now);
            (id, commit)
        };
        committed(commit).await?;
        Ok(id)
    }

    /// Deletes a queue with its messages.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    pub(crate) async fn delete_queue(&self, id: u64) -> Result<(), SqsError> {
        let commit = {
            let mut inner = self.inner.lock();
            let name = inner.queue(id)?.description.name.clone();
            let commit = inner.write(vec![Change::DeleteQueue { queue: id }])?;
            let now = self.now();
            if self.options.enforce_limits {
                inner.deleted.retain(|_, at| now < *at + WAIT);
                inner.deleted.insert(name, now);
            }
            inner.tasks.remove(&id);
            inner.attempts.remove(&id);
            inner.clean(now);
            commit
        };
        committed(commit).await
    }

    /// The attributes of a queue that a request asks for by name.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, `InvalidAttributeName`.
    pub(crate) fn attributes(&self, id: u64, asked: &[String]) -> Result<Attributes, SqsError> {
        check_names(asked)?;
        let mut inner = self.inner.lock();
        inner.tick(id, self.now())?;
        let queue = inner.queue(id)?;
        let mut all = queue.settings().shown();
        let (ready, delayed, in_flight) = queue.counts();
        let description = &queue.description;
        all.extend([
            ("ApproximateNumberOfMessages".to_owned(), ready.to_string()),
            (
                "ApproximateNumberOfMessagesDelayed".to_owned(),
                delayed.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesNotVisible".to_owned(),
                in_flight.to_string(),
            ),
            (
                "CreatedTimestamp".to_owned(),
                (description.created / 1000).to_string(),
            ),
            (
                "LastModifiedTimestamp".to_owned(),
                (description.modified / 1000).to_string(),
            ),
            ("QueueArn".to_owned(), self.arn(&description.name)),
        ]);
        if !asked.iter().any(|name| name == "All") {
            all.retain(|name, _| asked.contains(name));
        }
        Ok(all)
    }

    /// Changes attributes of a queue.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, `InvalidAttributeName`, `InvalidAttributeValue`,
    /// `InvalidParameterValue`.
    pub(crate) async fn set_attributes(
        &self,
        id: u64,
        attributes: &Attributes,
    ) -> Result<(), SqsError> {
        self.describe(id, |inner, description| {
            description.settings.set(attributes)?;
            description.modified = self.now();
            if attributes.contains_key("RedrivePolicy") {
                self.check_redrive(inner, &description.name, &description.settings)?;
            }
            Ok(())
        })
        .await
    }

    /// The tags of a queue.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    pub(crate) fn tags(&self, id: u64) -> Result<Attributes, SqsError> {
        let inner = self.inner.lock();
        Ok(inner.queue(id)?.description.tags.clone())
    }

    /// Changes the tags of a queue.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, or whatever `change` refuses.
    pub(crate) async fn change_tags(
        &self,
        id: u64,
        change: impl FnOnce(&mut Attributes) -> Result<(), SqsError>,
    ) -> Result<(), SqsError> {
        self.describe(id, |_, description| change(&mut description.tags))
            .await
    }

    async fn describe(
        &self,
        id: u64,
        change: impl FnOnce(&Inner, &mut Description) -> Result<(), SqsError>,
    ) -> Result<(), SqsError> {
        let commit = {
            let mut inner = self.inner.lock();
            let mut description = inner.queue(id)?.description.clone();
            change(&inner, &mut description)?;
            let commit = inner.write(vec![Change::Describe(Box::new(description))])?;
            let now = self.now();
            inner.tick(id, now)?;
            inner.clean(now);
            commit
        };
        committed(commit).await
    }

    /// Checks that the dead-letter queue of a policy can be that.
    fn check_redrive(
        &self,
        inner: &Inner,
        name: &str,
        settings: &Settings,
    ) -> Result<(), SqsError> {
        let Some(policy) = &settings.redrive else {
            return Ok(());
        };
        let text = serde_json::to_string(policy).unwrap_or_default();
        let refuse = |reason: &str| Err(SqsError::parameter(&text, "RedrivePolicy", reason));
        let target = self.name_in_arn(&policy.dead_letter_target_arn);
        let target = target
            .and_then(|target| inner.queues.id(target))
            .and_then(|target| inner.queues.get(target));
        let Some(target) = target else {
            return refuse("Dead letter target does not exist.");
        };
        if target.settings().fifo != settings.fifo {
            return refuse("Dead letter target must be same type of queue as the source.");
        }
        let allow = target.settings().redrive_allow.as_ref();
        if allow.is_some_and(|allow| !allow.allows(&self.arn(name))) {
            return refuse(
                "The dead letter target's RedriveAllowPolicy does not allow this queue.",
            );
        }
        Ok(())
    }

    /// Deletes every message of a queue.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, `PurgeQueueInProgress`.
    pub(crate) async fn purge(&self, id: u64) -> Result<(), SqsError> {
        let commit = {
            let mut inner = self.inner.lock();
            let now = self.now();
            let queue = inner.queue(id)?;
            let recently = queue.purged.is_some_and(|at| now < at + WAIT);
            if self.options.enforce_limits && recently {
                return Err(SqsError::new(
                    Code::PurgeQueueInProgress,
                    format!(
                        "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                        queue.description.name
                    ),
                ));
            }
            let commit = inner.write(vec![Change::Purge { queue: id, at: now }])?;
            inner.clean(now);
            commit
        };
        committed(commit).await
    }

    /// The names that start with `prefix`, after the name `after`.
    #[must_use]
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Page {
        let inner = self.inner.lock();
        let mut names = inner.queues.page(prefix, after).map(str::to_owned);
        let page = names.by_ref().take(limit).collect();
        Page {
            names: page,
            more: names.next().is_some(),
        }
    }

    /// The names of the queues whose dead letters come to `id`, after the name `after`.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    pub(crate) fn sources(
        &self,
        id: u64,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, SqsError> {
        let inner = self.inner.lock();
        let arn = self.arn(&inner.queue(id)?.description.name);
        let mut names = inner
            .queues
            .by_name()
            .filter(|queue| {
                let policy = queue.settings().redrive.as_ref();
                policy.is_some_and(|policy| policy.dead_letter_target_arn == arn)
            })
            .map(|queue| queue.description.name.clone())
            .filter(|name| after.is_none_or(|after| name.as_str() > after));
        let page = names.by_ref().take(limit).collect();
        Ok(Page {
            names: page,
            more: names.next().is_some(),
        })
    }
}

/// # Errors
///
/// `QueueNameExists` if an attribute that the request names is different.
fn same_attributes(
    present: &Settings,
    asked: &Settings,
    named: &BTreeMap<String, String>,
) -> Result<(), SqsError> {
    let (present, asked) = (present.shown(), asked.shown());
    let differs = |name: &&String| present.get(*name) != asked.get(*name);
    match named.keys().find(differs) {
        Some(name) => Err(SqsError::new(
            Code::QueueNameExists,
            format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            ),
        )),
        None => Ok(()),
    }
}
