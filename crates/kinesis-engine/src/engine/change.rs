//! Changes of a stream's settings.

use super::{
    Engine,
    lifecycle::Status,
    stream::{Settings, Stream},
};
use crate::error::KinesisError;

impl Engine {
    /// Changes a stream's settings, first where they are stored.
    ///
    /// # Errors
    ///
    /// Whatever `change` refuses, `ResourceNotFoundException` if the stream is gone, and
    /// `InternalFailure` if the settings cannot be stored. The settings then stay.
    pub(crate) fn change<T>(
        &self,
        stream: &Stream,
        change: impl FnOnce(&mut Settings) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let _changing = stream.changing.lock();
        if stream.status(self.clock().millis()).is_none() {
            return Err(self.no_such_stream(&stream.name));
        }
        let mut next = stream.settings();
        let changed = change(&mut next)?;
        self.save_change(stream, &next, &stream.topology(), &[])?;
        stream.set_settings(next);
        Ok(changed)
    }

    /// Like [`Engine::change`]; the stream is UPDATING for the transition delay.
    ///
    /// # Errors
    ///
    /// As [`Engine::change`].
    pub(crate) fn update<T>(
        &self,
        stream: &Stream,
        change: impl FnOnce(&mut Settings) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let updating = self.passing(Status::Updating, self.clock().millis());
        let changed = self.change(stream, |settings| {
            self.check_active(&stream.name, settings)?;
            let changed = change(settings)?;
            settings.lifecycle = updating;
            Ok(changed)
        })?;
        self.announce_shards(stream);
        Ok(changed)
    }
}
