//! Invokes a bootstrap, prints its output and its answer:
//!
//! ```text
//! cargo run -p lambda-host --example invoke [BOOTSTRAP [EVENT]]
//! ```

use std::{error::Error, path::PathBuf, sync::Arc};

use bytes::Bytes;
use lambda_host::{Function, FunctionConfig, Outcome};

/// A script that answers with its event.
const BOOTSTRAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bootstrap");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| BOOTSTRAP.to_owned());
    let event = arguments.next().unwrap_or_else(|| "{}".to_owned());
    println!("{}", invoke(bootstrap.into(), event).await?);
    Ok(())
}

/// The function's answer to one event.
async fn invoke(bootstrap: PathBuf, event: String) -> Result<String, Box<dyn Error>> {
    let config = FunctionConfig::new("example", bootstrap);
    let log = Arc::new(|line: lambda_host::log::LogLine| {
        eprintln!("{} | {}", line.function, line.text);
    });
    let function = Function::new(config, log);
    let invoked = function.invoke(Bytes::from(event)).await;
    function.shut_down().await;
    match invoked.outcome {
        Outcome::Success(answer) => Ok(String::from_utf8(answer.into())?),
        Outcome::FunctionError(error) => Err(error.text().into()),
        other => Err(format!("{other:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{BOOTSTRAP, invoke};

    #[tokio::test]
    async fn the_example_prints_the_answer_of_its_bootstrap() {
        let event = r#"{"key":"value"}"#.to_owned();
        let answer = invoke(BOOTSTRAP.into(), event.clone()).await.unwrap();
        assert_eq!(answer, event);
    }
}
