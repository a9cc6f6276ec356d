//! Changes of a stream's settings.

use super::{
    Engine,
    lifecycle::Status,
    stream::{Settings, Stream},
};
use crate::error::KinesisError;

impl Engine {
    /// Changes a stream's settings, also where they are stored.
    ///
    /// # Errors
    ///
    /// Whatever `change` refuses, and `InternalFailure` if the settings cannot
    /// be stored. They are as before then.
    pub fn change<T>(
        &self,
        stream: &Stream,
        change: impl FnOnce(&mut Settings) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let (before, changed) = stream.with_settings(|settings| {
            let before = settings.clone();
            let mut next = before.clone();
            let changed = change(&mut next)?;
            *settings = next;
            Ok::<_, KinesisError>((before, changed))
        })?;
        if let Err(error) = self.save(stream) {
            stream.with_settings(|settings| *settings = before);
            return Err(error);
        }
        Ok(changed)
    }

    /// Like [`Engine::change`]; the stream is UPDATING for the transition delay.
    ///
    /// # Errors
    ///
    /// As [`Engine::change`].
    pub fn update<T>(
        &self,
        stream: &Stream,
        change: impl FnOnce(&mut Settings) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let updating = self.passing(Status::Updating, self.clock().millis());
        let changed = self.change(stream, |settings| {
            let changed = change(settings)?;
            settings.lifecycle = updating;
            Ok(changed)
        })?;
        self.announce_shards(stream);
        Ok(changed)
    }
}
