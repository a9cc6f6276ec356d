//! One mapping in front of every Lambda that there is: this project's, in the
//! process and over HTTP, AWS's Runtime Interface Emulator; and functions in
//! other languages than Rust.
//!
//! What this machine lacks is ignored, and the first lines say why.

mod bootstraps;
mod invoke_api;
mod lifecycle;
mod outcomes;
mod pipeline;
mod project;
mod tools;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use integration_tests::tool::{Tool, trial};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (rie, python, curl) = (tools::rie(), tools::python(), tools::curl());
    for tool in [&rie, &python, &curl] {
        tool.tell_if_missing();
    }
    let mut trials = vec![
        trial("rie::each_way_to_fail_has_its_outcome", &rie, |rie| {
            Box::pin(outcomes::with_rie(rie))
        }),
        trial("rie::ten_thousand_records_are_all_processed", &rie, |rie| {
            Box::pin(outcomes::ten_thousand(rie))
        }),
        trial("bash::a_script_with_curl_is_a_function", &curl, |_| {
            Box::pin(bootstraps::bash())
        }),
        trial(
            "bash::a_function_is_replaced_without_losing_a_record",
            &curl,
            |_| Box::pin(lifecycle::a_function_is_replaced_without_losing_a_record()),
        ),
        trial(
            "bash::a_streamed_response_is_passed_on_piece_by_piece",
            &curl,
            |_| Box::pin(invoke_api::a_streamed_response_is_passed_on_piece_by_piece()),
        ),
        trial(
            "python::aws_s_own_runtime_client_runs_unchanged",
            &python,
            |python| Box::pin(bootstraps::python(python)),
        ),
    ];
    trials.extend(everywhere());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests that need nothing else.
fn everywhere() -> Vec<Trial> {
    macro_rules! trials {
        ($($module:ident::$function:ident),* $(,)?) => {
            vec![$(trial(
                concat!(stringify!($module), "::", stringify!($function)),
                &Tool::Found(PathBuf::new()),
                |_| Box::pin($module::$function()),
            )),*]
        };
    }
    trials![
        outcomes::each_way_to_fail_has_its_outcome_in_the_process,
        outcomes::each_way_to_fail_has_its_outcome_over_http,
        lifecycle::one_environment_takes_several_invocations,
        lifecycle::an_invocation_beyond_the_concurrency_is_throttled,
        lifecycle::an_idle_environment_is_shut_down_and_started_again,
        lifecycle::a_process_that_does_not_end_is_killed,
        invoke_api::a_function_has_many_names,
        invoke_api::the_end_of_the_log_comes_with_the_answer,
        invoke_api::a_client_that_leaves_ends_no_invocation,
        invoke_api::one_template_has_several_functions_and_mappings,
        project::without_local_toml_there_is_what_the_template_names,
    ]
}

/// The function that does what its records say.
fn moody() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_moody"))
}
