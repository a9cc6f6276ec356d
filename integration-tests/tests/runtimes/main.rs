//! One mapping with every kind of Lambda: this project's, in the process and over HTTP,
//! and AWS's Runtime Interface Emulator. Also functions in other languages than Rust.
//!
//! Tests of a missing program are ignored; the first lines of output say why.

mod bootstraps;
mod commands;
mod interpreters;
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
    let (rie, python, node) = (tools::rie(), tools::python(), tools::node());
    let curl = tools::curl();
    for tool in [&rie, &python, &node, &curl] {
        tool.tell_if_missing();
    }
    let mut trials = vec![
        trial("rie::every_function_error_has_its_kind", &rie, |rie| {
            Box::pin(outcomes::with_rie(rie))
        }),
        trial("rie::ten_thousand_records_are_all_processed", &rie, |rie| {
            Box::pin(outcomes::ten_thousand(rie))
        }),
        trial(
            "bash::a_bash_script_with_curl_runs_as_a_function",
            &curl,
            |_| Box::pin(bootstraps::bash()),
        ),
        trial(
            "bash::a_function_is_replaced_without_losing_a_record",
            &curl,
            |_| Box::pin(lifecycle::a_function_is_replaced_without_losing_a_record()),
        ),
        trial(
            "bash::a_streamed_response_is_forwarded_chunk_by_chunk",
            &curl,
            |_| Box::pin(invoke_api::a_streamed_response_is_forwarded_chunk_by_chunk()),
        ),
        trial(
            "python::aws_s_own_runtime_client_runs_unchanged",
            &python,
            |python| Box::pin(bootstraps::python(python)),
        ),
    ];
    trials.extend(interpreters::trials(&python, &node));
    trials.extend(everywhere());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests that need no other program.
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
        outcomes::every_function_error_has_its_kind_in_the_process,
        outcomes::every_function_error_has_its_kind_over_http,
        lifecycle::one_execution_environment_takes_several_invocations,
        lifecycle::an_invocation_beyond_the_concurrency_is_throttled,
        lifecycle::an_idle_execution_environment_is_shut_down_and_replaced,
        lifecycle::a_process_that_ignores_sigterm_is_killed,
        invoke_api::a_function_is_found_by_name_by_qualifier_and_by_arn,
        invoke_api::log_type_tail_returns_the_end_of_the_log,
        invoke_api::an_invocation_continues_when_its_client_disconnects,
        invoke_api::one_template_runs_several_functions_and_mappings,
        project::without_local_toml_only_the_template_s_resources_exist,
        project::e2e_passes_while_every_proxy_is_dead,
        commands::a_batching_window_ends_when_the_clock_is_advanced,
        commands::iterators_expire_and_records_pass_their_retention_when_the_clock_is_advanced,
        commands::wait_returns_when_every_record_is_processed,
        commands::wait_fails_once_for_each_discarded_batch_and_names_it,
        commands::tail_shows_invocations_log_lines_and_discarded_batches,
        commands::tail_has_every_event_as_json,
        commands::tail_refuses_a_function_that_does_not_exist,
        commands::status_that_is_watched_in_a_pipe_shows_each_change,
        commands::failures_are_listed_shown_and_redriven,
        commands::invoke_prints_the_response_and_the_log,
        commands::invoke_fails_with_the_function_error,
        commands::an_event_of_records_invokes_a_function,
        commands::an_event_of_messages_is_what_a_function_with_a_queue_gets,
        commands::exec_runs_a_command_with_everything_and_exits_as_it_does,
        commands::exec_shows_the_functions_output_if_the_command_fails,
        commands::exec_leaves_nothing_however_it_ends,
        commands::records_of_a_file_are_captured_as_they_were_put,
        commands::a_recording_is_played_with_its_keys_its_order_and_its_pauses,
        commands::a_template_writes_the_same_records_for_the_same_seed,
        commands::put_and_capture_refuse_what_they_cannot_do,
        commands::e2e_writes_the_project_s_records_and_accounts_for_each,
        commands::e2e_counts_its_own_records_in_a_data_folder_of_earlier_runs,
        commands::e2e_names_the_mapping_that_fails,
        commands::e2e_writes_the_run_as_a_page_in_one_file,
        commands::e2e_with_limits_puts_throttled_records_again_and_names_the_first_limit,
        commands::e2e_fails_by_the_name_of_a_condition,
        commands::e2e_settles_records_that_a_mapping_filters_out,
    ]
}

/// The function that obeys its records.
fn moody() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_moody"))
}
