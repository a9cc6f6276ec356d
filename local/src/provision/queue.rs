//! SQS queues.

use aws_sdk_sqs::types::QueueAttributeName;
use sam_template::{Environment, environment::Queue};
use serde_json::Value;

use super::{ProvisionError, Provisioned, Provisioner, memory::Memory};

/// Attributes that a queue lacks until they are set, so that their absence tells.
const POLICIES: [QueueAttributeName; 2] = [
    QueueAttributeName::RedriveAllowPolicy,
    QueueAttributeName::RedrivePolicy,
];

impl Provisioner {
    /// Creates the queues of `environment`, dead-letter queues first: a redrive policy names
    /// one that exists. This is separate because not every endpoint offers SQS, and a
    /// stream's mapping works without its queue. A queue that cannot be created is an error
    /// in its place, and the others are created all the same.
    pub async fn queues(
        &self,
        environment: &Environment,
    ) -> Vec<Result<Provisioned, ProvisionError>> {
        let now = Memory::of(environment);
        let mut done = Vec::new();
        for queue in dead_letter_queues_first(&environment.queues) {
            done.push(self.queue_of(queue, &now).await);
        }
        done
    }

    /// Creates one queue, whose dead-letter queue exists.
    ///
    /// # Errors
    ///
    /// The endpoint cannot create the queue.
    pub async fn queue(&self, queue: &Queue) -> Result<Provisioned, ProvisionError> {
        let alone = Environment {
            queues: vec![queue.clone()],
            ..Environment::default()
        };
        self.queue_of(queue, &Memory::of(&alone)).await
    }

    async fn queue_of(&self, queue: &Queue, now: &Memory) -> Result<Provisioned, ProvisionError> {
        let mut done = Provisioned {
            what: format!("queue {}", queue.name),
            ..Provisioned::default()
        };
        let found = self.sqs.get_queue_url().queue_name(&queue.name);
        if let Ok(found) = found.send().await {
            if self.updates(now, &done.what) {
                let url = found.queue_url.unwrap_or_default();
                self.update_queue(queue, &url, &mut done).await?;
            }
            return Ok(done);
        }
        let attributes = attributes(queue).map(|(name, value)| (name, value.to_owned()));
        let create = self.sqs.create_queue().queue_name(&queue.name);
        let create = create.set_attributes(Some(attributes.collect()));
        let created = create.send().await;
        created.map_err(|error| self.failed(&done.what, error))?;
        done.created = true;
        Ok(done)
    }

    /// Sets the attributes of the template that differ. An attribute that the endpoint does
    /// not report is skipped.
    async fn update_queue(
        &self,
        queue: &Queue,
        url: &str,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let found = self.sqs.get_queue_attributes().queue_url(url);
        let found = found.attribute_names(QueueAttributeName::All).send().await;
        let found = found.map_err(|error| self.failed(&done.what, error))?;
        let found = found.attributes.unwrap_or_default();
        let mut changed = std::collections::HashMap::new();
        for (name, wanted) in attributes(queue) {
            let before = match found.get(&name) {
                Some(value) if is_same(value, wanted) => continue,
                Some(value) => value.as_str(),
                None if POLICIES.contains(&name) => "none",
                None => continue,
            };
            done.updated.push(format!("{name} {before} → {wanted}"));
            changed.insert(name, wanted.to_owned());
        }
        if changed.is_empty() {
            return Ok(());
        }
        let set = self.sqs.set_queue_attributes().queue_url(url);
        let set = set.set_attributes(Some(changed)).send().await;
        set.map(|_| ())
            .map_err(|error| self.failed(&done.what, error))
    }
}

fn attributes(queue: &Queue) -> impl Iterator<Item = (QueueAttributeName, &str)> {
    let attributes = queue.attributes.iter();
    attributes.map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.as_str()))
}

/// Whether two values of an attribute are the same, where a policy's are as JSON.
fn is_same(one: &str, other: &str) -> bool {
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    let policy = |text: &str| {
        let policy = serde_json::from_str(text).ok();
        let mut policy = policy.filter(Value::is_object)?;
        // SQS takes the number as text too.
        if let Some(Value::String(text)) = policy.get("maxReceiveCount") {
            policy["maxReceiveCount"] = text.parse::<u64>().ok()?.into();
        }
        Some(policy)
    };
    policy(one).is_some_and(|one| Some(one) == policy(other))
}

/// The queues in an order in which each comes after its dead-letter queue.
fn dead_letter_queues_first(queues: &[Queue]) -> Vec<&Queue> {
    let mut left: Vec<_> = queues.iter().collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |queue: &&Queue| {
            let dead = dead_letter_queue(queue);
            let dead = dead.as_deref().filter(|dead| *dead != queue.name);
            dead.is_some_and(|dead| left.iter().any(|one| one.name == dead))
        };
        let next = left.iter().position(|queue| !waits(queue));
        // The endpoint refuses queues that are each other's dead-letter queues.
        ordered.push(left.remove(next.unwrap_or(0)));
    }
    ordered
}

/// The name of a queue's dead-letter queue.
fn dead_letter_queue(queue: &Queue) -> Option<String> {
    let policy = queue.attributes.get("RedrivePolicy")?;
    let policy: Value = serde_json::from_str(policy).ok()?;
    let arn = policy.get("deadLetterTargetArn")?.as_str()?;
    arn.rsplit(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{dead_letter_queues_first, is_same};
    use sam_template::environment::Queue;

    fn queue(name: &str, dead: Option<&str>) -> Queue {
        let policy = dead.map(|dead| {
            let arn = format!("arn:aws:sqs:us-east-1:000000000000:{dead}");
            let policy = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 3 });
            ("RedrivePolicy".to_owned(), policy.to_string())
        });
        Queue {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            attributes: policy.into_iter().collect(),
        }
    }

    #[test]
    fn a_dead_letter_queue_is_created_before_the_queues_that_name_it() {
        let queues = [
            queue("a", Some("b")),
            queue("b", Some("c")),
            queue("c", None),
            queue("d", Some("elsewhere")),
            queue("e", Some("f")),
            queue("f", Some("e")),
        ];
        let ordered = dead_letter_queues_first(&queues);
        let names: Vec<_> = ordered.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a", "d", "e", "f"]);
    }

    #[test]
    fn a_policy_is_compared_as_json() {
        let policy = r#"{"deadLetterTargetArn":"a","maxReceiveCount":3}"#;
        let other = r#"{"maxReceiveCount": "3", "deadLetterTargetArn": "a"}"#;
        assert!(is_same(policy, other));
        assert!(!is_same(
            policy,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":4}"#
        ));
        assert!(is_same("True", "true"));
        assert!(!is_same("30", "60"));
    }
}
