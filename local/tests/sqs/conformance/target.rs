//! The target of a check: an endpoint, and queue names of its own.

use std::{fmt::Debug, pin::Pin, process};

use serde_json::{Value, json};

use crate::support::{Client, Refused};

pub type Outcome = Result<(), String>;

/// One documented behaviour.
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    /// The page on which AWS documents it.
    pub reference: &'static str,
    pub run: fn(Target) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

/// Lists checks as `function: "reference"`. A check has its function's name.
macro_rules! checks {
    ($($check:ident: $reference:literal,)*) => {
        pub fn checks() -> Vec<$crate::conformance::target::Check> {
            vec![$($crate::conformance::target::Check {
                name: stringify!($check),
                reference: $reference,
                run: |target| Box::pin($check(target)),
            },)*]
        }
    };
}
pub(crate) use checks;

/// An endpoint, and a prefix of queue names that only this check uses.
#[derive(Clone)]
pub struct Target {
    pub client: Client,
    pub name: String,
}

/// Fails the check unless two values are the same.
#[allow(
    clippy::needless_pass_by_value,
    reason = "callers pass temporary values"
)]
pub fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, received: T, expected: U) -> Outcome {
    if received == expected {
        return Ok(());
    }
    Err(format!(
        "{what}: expected {expected:?}, received {received:?}"
    ))
}

/// Fails the check unless `held`.
pub fn holds(what: &str, held: bool) -> Outcome {
    if held {
        Ok(())
    } else {
        Err(format!("not true: {what}"))
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A queue of the check.
#[derive(Clone)]
pub struct Queue {
    pub target: Target,
    pub url: Value,
}

impl Target {
    pub fn new(client: Client, number: usize) -> Self {
        let name = format!("check-{}-{number}", process::id());
        Self { client, name }
    }

    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        let refused = |refused: Refused| {
            format!(
                "{operation}: {}: {}",
                refused.codes.join(" "),
                refused.message
            )
        };
        self.client.call(operation, request).await.map_err(refused)
    }

    /// Fails the check unless the call is refused with one of `codes`.
    pub async fn refused(&self, operation: &str, request: Value, codes: &[&str]) -> Outcome {
        match self.client.call(operation, request).await {
            Err(refused)
                if refused
                    .codes
                    .iter()
                    .any(|code| codes.contains(&code.as_str())) =>
            {
                Ok(())
            }
            Err(refused) => Err(format!(
                "{operation}: expected {codes:?}, received {} {}",
                refused.codes.join(" "),
                refused.message
            )),
            Ok(reply) => {
                let reply: String = reply.to_string().chars().take(200).collect();
                Err(format!("{operation}: expected {codes:?}, received {reply}"))
            }
        }
    }

    /// Creates the queue `suffix` with attributes.
    pub async fn create(&self, suffix: &str, attributes: Value) -> Result<Queue, String> {
        let name = format!("{}{suffix}", self.name);
        let request = json!({"QueueName": name, "Attributes": attributes});
        let reply = self.call("CreateQueue", request).await?;
        Ok(Queue {
            target: self.clone(),
            url: reply["QueueUrl"].clone(),
        })
    }

    /// A standard queue.
    pub async fn queue(&self) -> Result<Queue, String> {
        self.create("", json!({})).await
    }

    /// A FIFO queue with content-based deduplication.
    pub async fn fifo(&self) -> Result<Queue, String> {
        let attributes = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
        self.create(".fifo", attributes).await
    }

    pub async fn clean_up(&self) {
        let list = json!({"QueueNamePrefix": self.name});
        let listed = self.client.call("ListQueues", list).await;
        let urls = listed.map(|reply| reply["QueueUrls"].as_array().cloned());
        for url in urls.ok().flatten().into_iter().flatten() {
            // The prefix of check 1 is one of check 10 too.
            let name = text(&url);
            let name = name.rsplit('/').next().unwrap_or_default();
            let rest = name.strip_prefix(&self.name).unwrap_or("0");
            if !rest.starts_with(|first: char| first.is_ascii_digit()) {
                let delete = json!({"QueueUrl": url});
                let _absent = self.client.call("DeleteQueue", delete).await;
            }
        }
    }
}

impl Queue {
    fn request(&self, mut more: Value) -> Value {
        more["QueueUrl"] = self.url.clone();
        more
    }

    pub async fn call(&self, operation: &str, more: Value) -> Result<Value, String> {
        self.target.call(operation, self.request(more)).await
    }

    pub async fn refused(&self, operation: &str, more: Value, codes: &[&str]) -> Outcome {
        self.target
            .refused(operation, self.request(more), codes)
            .await
    }

    pub async fn send(&self, body: &str) -> Result<Value, String> {
        self.call("SendMessage", json!({"MessageBody": body})).await
    }

    pub async fn send_to(&self, group: &str, body: &str) -> Result<Value, String> {
        let message = json!({"MessageBody": body, "MessageGroupId": group});
        self.call("SendMessage", message).await
    }

    /// Receives messages; `more` is added to the request for up to ten.
    pub async fn receive(&self, more: Value) -> Result<Vec<Value>, String> {
        let mut request = json!({"MaxNumberOfMessages": 10});
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let reply = self.call("ReceiveMessage", request).await?;
        Ok(reply["Messages"].as_array().cloned().unwrap_or_default())
    }

    /// Receives one message, and waits for it.
    pub async fn one(&self) -> Result<Value, String> {
        let wait =
            json!({"MaxNumberOfMessages": 1, "WaitTimeSeconds": 10, "AttributeNames": ["All"]});
        let received = self.receive(wait).await?;
        received
            .into_iter()
            .next()
            .ok_or_else(|| "no message came".to_owned())
    }

    pub async fn delete(&self, message: &Value) -> Result<Value, String> {
        let handle = json!({"ReceiptHandle": message["ReceiptHandle"]});
        self.call("DeleteMessage", handle).await
    }

    pub async fn attributes(&self) -> Result<Value, String> {
        let all = json!({"AttributeNames": ["All"]});
        Ok(self.call("GetQueueAttributes", all).await?["Attributes"].clone())
    }

    pub async fn arn(&self) -> Result<String, String> {
        Ok(text(&self.attributes().await?["QueueArn"]))
    }
}

pub fn bodies(messages: &[Value]) -> Vec<String> {
    messages
        .iter()
        .map(|message| text(&message["Body"]))
        .collect()
}
