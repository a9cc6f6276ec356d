//! The scenarios: one list for every backend.

mod cache_aside;
mod caching;
mod chaos;
mod containers;
mod contract;
mod failing_cache;
mod failing_function;
mod init;
mod invoke_api;
mod key_rotation;
mod records;

use std::{future::Future, pin::Pin};

use crate::{backend::Backend, world::Programs};

/// A scenario under way.
type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// A scenario: its name is a sentence.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub on: On,
    pub run: fn(Programs) -> Run,
}

/// The backends that a scenario is about.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// All of them.
    Every,
    /// It is about a part that only this one has.
    Only(Backend),
}

impl On {
    pub fn includes(self, backend: Backend) -> bool {
        match self {
            Self::Every => true,
            Self::Only(only) => only == backend,
        }
    }
}

/// Lists functions as scenarios, under their own names.
macro_rules! scenarios {
    ($($on:expr => { $($module:ident::$function:ident),* $(,)? })*) => {
        /// Every scenario.
        pub fn all() -> Vec<Scenario> {
            vec![$($(Scenario {
                name: stringify!($function),
                on: $on,
                run: |programs| Box::pin($module::$function(programs)),
            }),*),*]
        }
    };
}

scenarios! {
    On::Every => {
        cache_aside::records_that_miss_together_read_the_table_once,
        cache_aside::coalescing_asks_the_cache_less_often_and_gives_the_same_items,
        cache_aside::many_items_at_once_are_what_each_alone_is,
        cache_aside::an_absence_is_remembered_for_a_time_of_its_own,
        cache_aside::a_remembered_absence_is_asked_of_nobody_else,
        cache_aside::a_cache_that_keeps_failing_is_left_alone,
        cache_aside::a_cache_that_recovers_is_used_again,
        cache_aside::metrics_say_what_the_cache_itself_counted,
        caching::the_first_read_of_a_location_misses_and_later_ones_hit,
        caching::after_its_ttl_a_location_misses_once_more,
        chaos::whatever_goes_wrong_with_the_cache_every_record_has_its_item,
        caching::an_unknown_location_is_processed_and_not_cached_as_present,
        contract::what_the_producer_writes_the_consumer_reads,
        failing_cache::a_cache_that_is_down_costs_no_record,
        failing_cache::a_cache_that_is_down_at_init_costs_no_record,
        failing_cache::a_cache_that_is_slow_costs_no_record,
        failing_cache::a_cache_that_limits_the_rate_costs_no_record,
        failing_cache::a_corrupt_cached_value_is_read_again_and_overwritten,
        failing_function::a_function_that_fails_is_tried_again_and_nothing_is_lost,
        failing_function::a_function_that_crashes_is_started_again_and_nothing_is_lost,
        failing_function::a_function_that_hangs_is_killed_and_nothing_is_lost,
        init::without_its_parameter_the_function_does_not_start_and_says_why,
        init::with_a_key_that_is_none_the_function_does_not_start_and_says_why,
        init::a_wrong_variable_is_named_in_one_line,
        records::a_malformed_record_fails_alone_and_blocks_no_other,
        records::each_shard_keeps_its_order,
        records::ten_thousand_records_are_all_processed,
    }
    // About this project's own Invoke API, in whose place the containers have
    // AWS's emulator, which gives no trace either; and about what only here is
    // counted from outside: cold starts, and reads of the API key.
    On::Only(Backend::Embedded) => {
        cache_aside::every_line_names_its_invocation_s_trace,
        cache_aside::a_batch_that_runs_out_of_time_is_answered_and_nothing_is_lost,
        key_rotation::a_refused_key_is_read_again_once_and_no_record_is_lost,
        invoke_api::a_function_s_error_is_told_apart_from_its_answer,
        invoke_api::a_payload_over_six_megabytes_is_refused_and_not_cut,
        invoke_api::a_function_that_is_not_there_is_not_found,
    }
    // What only containers can show.
    On::Only(Backend::Localstack) => {
        containers::a_localstack_that_loses_everything_is_provisioned_again_and_goes_on,
        containers::an_emulator_that_crashes_comes_back_and_nothing_is_lost,
        containers::a_discarded_batch_is_in_the_on_failure_queue,
        containers::a_cache_that_is_frozen_costs_no_record,
    }
}
