//! Deleting messages, and changing their visibility.

use super::{Engine, Inner, change::Change, committed, places::Place, receipt::Receipt};
use crate::{
    error::{Code, SqsError},
    validation::MOST_VISIBILITY,
};

/// The outcome for each receipt handle of a request.
pub(crate) type Outcomes = Vec<Result<(), SqsError>>;

impl Engine {
    /// Deletes messages in one go; each succeeds or fails alone. A message that is gone
    /// already counts as deleted, and one that was received again since stays (API
    /// reference, `DeleteMessage`: with an old receipt handle "the request will succeed,
    /// but the message might not be deleted").
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist` or `InternalFailure` for all; for one,
    /// `ReceiptHandleIsInvalid`, or `InvalidParameterValue` for a message of a FIFO queue
    /// whose visibility timeout has ended.
    pub(crate) async fn delete(&self, id: u64, handles: &[&str]) -> Result<Outcomes, SqsError> {
        self.settle(id, handles.iter().copied(), |inner, now, handle, ()| {
            let receipt = Receipt::parse(handle, id)?;
            let queue = inner.queue(id)?;
            let Some(stored) = queue.get(receipt.index) else {
                return Ok(None);
            };
            let current = stored.all_receives == receipt.receive;
            let in_flight = matches!(stored.place, Place::InFlight(until) if until > now);
            if queue.settings().fifo && !(current && in_flight) {
                return Err(SqsError::parameter(
                    handle,
                    "ReceiptHandle",
                    "The receipt handle has expired.",
                ));
            }
            Ok(current.then_some(Change::Remove {
                queue: id,
                index: receipt.index,
            }))
        })
        .await
    }

    /// Changes how long messages in flight stay invisible, seconds from now; each succeeds
    /// or fails alone.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist` or `InternalFailure` for all; for one,
    /// `ReceiptHandleIsInvalid`, `MessageNotInflight`, or `InvalidParameterValue` for a
    /// message that is gone or a time beyond twelve hours after its receive.
    pub(crate) async fn change_visibility(
        &self,
        id: u64,
        entries: &[(&str, u64)],
    ) -> Result<Outcomes, SqsError> {
        let entries = entries.iter().copied();
        self.settle(id, entries, |inner, now, handle, seconds| {
            let until = visibility_until(inner, now, id, handle, seconds)?;
            let (index, until) = until;
            Ok(Some(Change::Visibility {
                queue: id,
                index,
                until,
            }))
        })
        .await
    }

    async fn settle<E: Entry>(
        &self,
        id: u64,
        entries: impl Iterator<Item = E>,
        decide: impl Fn(&Inner, u64, &str, E::Wanted) -> Result<Option<Change>, SqsError>,
    ) -> Result<Outcomes, SqsError> {
        let (outcomes, commit) = {
            let mut inner = self.inner.lock();
            let now = self.now();
            inner.tick(id, now)?;
            let mut changes = Vec::new();
            let outcomes = entries.map(|entry| {
                let (handle, wanted) = entry.split();
                changes.extend(decide(&inner, now, handle, wanted)?);
                Ok(())
            });
            let outcomes = outcomes.collect();
            let commit = inner.write(changes)?;
            // A timeout of zero makes a message visible at once.
            inner.tick(id, now)?;
            inner.clean(now);
            (outcomes, commit)
        };
        committed(commit).await?;
        Ok(outcomes)
    }
}

/// A receipt handle, with what the request wants of it.
trait Entry {
    type Wanted;

    fn split(&self) -> (&str, Self::Wanted);
}

impl Entry for &str {
    type Wanted = ();

    fn split(&self) -> (&str, ()) {
        (self, ())
    }
}

impl Entry for (&str, u64) {
    type Wanted = u64;

    fn split(&self) -> (&str, u64) {
        *self
    }
}

fn visibility_until(
    inner: &Inner,
    now: u64,
    id: u64,
    handle: &str,
    seconds: u64,
) -> Result<(u64, u64), SqsError> {
    let too_long = || {
        let reason = format!(
            "Total VisibilityTimeout for the message is beyond the limit [{MOST_VISIBILITY} seconds]"
        );
        SqsError::parameter(seconds, "VisibilityTimeout", reason)
    };
    if seconds > MOST_VISIBILITY {
        return Err(too_long());
    }
    let receipt = Receipt::parse(handle, id)?;
    let stored = inner.queue(id)?.get(receipt.index);
    let Some(stored) = stored.filter(|stored| stored.all_receives == receipt.receive) else {
        return Err(SqsError::parameter(
            handle,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        ));
    };
    if !matches!(stored.place, Place::InFlight(until) if until > now) {
        return Err(SqsError::new(
            Code::MessageNotInflight,
            format!("The message referred to by the receipt handle {handle} is not in flight."),
        ));
    }
    let until = now + seconds * 1000;
    if until > stored.last_received + MOST_VISIBILITY * 1000 {
        return Err(too_long());
    }
    Ok((receipt.index, until))
}
