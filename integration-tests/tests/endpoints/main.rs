//! One mapping that polls every Kinesis endpoint: this project's engine, moto,
//! ministack, kinesis-local.
//!
//! Tests of a missing endpoint are ignored; the first lines of output say why.

mod delivery;
mod endpoint;
mod function;
mod ledger;
mod pipeline;
mod poison;
mod resharding;
mod restart;
mod second_function;
mod stream;

use std::process::ExitCode;

use endpoint::Endpoint;
use integration_tests::tool::trial;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = Endpoint::ALL.into_iter().flat_map(scenarios).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The scenarios, on one endpoint.
fn scenarios(endpoint: Endpoint) -> Vec<Trial> {
    let tool = endpoint.tool();
    tool.tell_if_missing();
    if let Some(deviation) = endpoint.resharding().deviation() {
        eprintln!("{}: {deviation}", endpoint.name());
    }
    macro_rules! trials {
        ($($module:ident::$function:ident),* $(,)?) => {
            vec![$(trial(
                format!("{}::{}", endpoint.name(), stringify!($function)),
                &tool,
                move |program| Box::pin(async move {
                    let running = endpoint.start(&program).await?;
                    let result = $module::$function(&running).await;
                    running.stop(result).await
                }),
            )),*]
        };
    }
    trials![
        delivery::every_record_is_delivered_once_and_in_order,
        resharding::parents_are_delivered_before_their_children,
        poison::a_poison_record_is_discarded_alone_and_redriven,
        second_function::a_poison_record_goes_through_the_queue_to_a_second_function,
        restart::a_restart_continues_at_the_checkpoint,
        restart::a_crash_repeats_only_the_batches_in_flight,
        restart::latest_is_fixed_at_the_first_start,
    ]
}
