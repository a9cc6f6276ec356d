//! Streams and their registered consumers.

use std::time::Duration;

use aws_sdk_kinesis::types::{
    ScalingType, StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus,
};
use event_source_mapping::sdk_error;
use sam_template::environment::{Consumer, Stream};
use tokio::time::{Instant, sleep};

use super::{ProvisionError, Provisioned, Provisioner};

/// The longest that a stream may take to become active.
const PATIENCE: Duration = Duration::from_secs(30);

impl Provisioner {
    pub(super) async fn stream(
        &self,
        stream: &Stream,
        update: &impl Fn(&str) -> bool,
    ) -> Result<Provisioned, ProvisionError> {
        let what = format!("stream {}", stream.name);
        let created = self
            .kinesis
            .create_stream()
            .stream_name(&stream.name)
            .set_shard_count(stream.shards.and_then(|count| i32::try_from(count).ok()))
            .stream_mode_details(self.mode(&what, stream)?)
            .send()
            .await;
        let created = self.created(&what, created, "ResourceInUseException")?;
        let mut done = Provisioned {
            what,
            created,
            ..Provisioned::default()
        };
        let found = self.until_active(&done.what, &stream.name).await?;
        let changed = !created && update(&done.what);
        if changed {
            self.update_mode(stream, &found, &mut done).await?;
            self.update_shards(stream, &found, &mut done).await?;
        }
        if changed || (created && stream.retention_hours > 24) {
            self.update_retention(stream, &found, &mut done).await?;
        }
        Ok(done)
    }

    /// Registers a consumer; its stream exists.
    pub(super) async fn consumer(
        &self,
        consumer: &Consumer,
    ) -> Result<Provisioned, ProvisionError> {
        let what = format!("consumer {} of stream {}", consumer.name, consumer.stream);
        let summary = self.until_active(&what, &consumer.stream).await?;
        let register = self.kinesis.register_stream_consumer();
        let register = register
            .stream_arn(summary.stream_arn())
            .consumer_name(&consumer.name);
        let created = register.send().await;
        let created = self.created(&what, created, "ResourceInUseException")?;
        Ok(Provisioned {
            what,
            created,
            ..Provisioned::default()
        })
    }

    fn mode(&self, what: &str, stream: &Stream) -> Result<StreamModeDetails, ProvisionError> {
        let mode = match stream.shards {
            Some(_) => StreamMode::Provisioned,
            None => StreamMode::OnDemand,
        };
        StreamModeDetails::builder()
            .stream_mode(mode)
            .build()
            .map_err(|error| self.because(what, error.to_string()))
    }

    async fn update_mode(
        &self,
        stream: &Stream,
        found: &StreamDescriptionSummary,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let wanted = self.mode(&done.what, stream)?;
        let Some(existing) = found.stream_mode_details() else {
            return Ok(());
        };
        if *existing == wanted {
            return Ok(());
        }
        let told = format!("mode {} → {}", existing.stream_mode(), wanted.stream_mode());
        let update = self.kinesis.update_stream_mode();
        let update = update
            .stream_arn(found.stream_arn())
            .stream_mode_details(wanted);
        match update.send().await {
            Ok(_) => done.updated.push(told),
            Err(error) => done
                .kept
                .push(format!("not {told}: {}", sdk_error::reason(error))),
        }
        self.until_active(&done.what, &stream.name).await.map(drop)
    }

    /// Splits or merges shards. One request at most doubles or halves their number.
    async fn update_shards(
        &self,
        stream: &Stream,
        found: &StreamDescriptionSummary,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let before = found.open_shard_count();
        let wanted = stream.shards.and_then(|count| i32::try_from(count).ok());
        let Some(wanted) = wanted.filter(|wanted| *wanted != before && before > 0) else {
            return Ok(());
        };
        let told = format!("shards {before} → {wanted}");
        let mut open = before;
        while open != wanted {
            let target = wanted.clamp((open + 1) / 2, open * 2);
            let update = self.kinesis.update_shard_count();
            let update = update
                .stream_name(&stream.name)
                .target_shard_count(target)
                .scaling_type(ScalingType::UniformScaling);
            if let Err(error) = update.send().await {
                done.kept
                    .push(format!("not {told}: {}", sdk_error::reason(error)));
                return Ok(());
            }
            self.until_active(&done.what, &stream.name).await?;
            open = target;
        }
        done.updated.push(told);
        Ok(())
    }

    async fn update_retention(
        &self,
        stream: &Stream,
        found: &StreamDescriptionSummary,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let before = found.retention_period_hours();
        let wanted = i32::try_from(stream.retention_hours).unwrap_or(24);
        let name = &stream.name;
        let changed = match wanted.cmp(&before) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => {
                let increase = self.kinesis.increase_stream_retention_period();
                let increase = increase.stream_name(name).retention_period_hours(wanted);
                let sent = increase.send().await;
                sent.map(drop)
                    .map_err(|error| self.failed(&done.what, error))
            }
            std::cmp::Ordering::Less => {
                let decrease = self.kinesis.decrease_stream_retention_period();
                let decrease = decrease.stream_name(name).retention_period_hours(wanted);
                let sent = decrease.send().await;
                sent.map(drop)
                    .map_err(|error| self.failed(&done.what, error))
            }
        };
        changed?;
        if !done.created {
            done.updated
                .push(format!("retention {before} h → {wanted} h"));
        }
        Ok(())
    }

    async fn until_active(
        &self,
        what: &str,
        stream: &str,
    ) -> Result<StreamDescriptionSummary, ProvisionError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let summary = self
                .kinesis
                .describe_stream_summary()
                .stream_name(stream)
                .send()
                .await
                .map_err(|error| self.failed(what, error))?
                .stream_description_summary;
            let status = match summary {
                Some(summary) if summary.stream_status == StreamStatus::Active => {
                    return Ok(summary);
                }
                summary => summary.map(|summary| summary.stream_status),
            };
            if Instant::now() >= deadline {
                let reason = format!(
                    "status is {status:?} after {} s; expected ACTIVE",
                    PATIENCE.as_secs()
                );
                return Err(self.because(what, reason));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
