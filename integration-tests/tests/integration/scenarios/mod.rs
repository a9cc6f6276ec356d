//! The scenarios: one list for every backend.

mod cache_aside;
mod caching;
mod chaos;
mod containers;
mod contract;
mod e2e;
mod failing_cache;
mod failing_function;
mod init;
mod invoke_api;
mod key_rotation;
mod records;

use std::{future::Future, pin::Pin};

use consumer::config::Protocol::{self, Grpc, Protosocket};

use crate::{backend::Backend, world::Programs};

/// A running scenario.
type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// A scenario; its name is a sentence.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub on: On,
    /// The protocol between the consumer and its cache.
    pub protocol: Protocol,
    pub run: fn(Programs) -> Run,
}

/// The backends of a scenario.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// All of them.
    Every,
    /// Only this one: the scenario is about a part that only this backend has.
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

/// Lists functions as scenarios. A scenario has its function's name.
macro_rules! scenarios {
    ($($on:expr, $protocol:expr => { $($module:ident::$function:ident),* $(,)? })*) => {
        /// Every scenario.
        pub fn all() -> Vec<Scenario> {
            vec![$($(Scenario {
                name: stringify!($function),
                on: $on,
                protocol: $protocol,
                run: |programs| Box::pin($module::$function(programs)),
            }),*),*]
        }
    };
}

scenarios! {
    On::Every, Grpc => {
        cache_aside::records_that_miss_together_read_the_table_once,
        cache_aside::coalescing_makes_fewer_cache_calls_and_returns_the_same_items,
        cache_aside::batch_get_item_returns_the_same_items_as_single_reads,
        cache_aside::a_cached_absence_expires_after_its_own_ttl,
        cache_aside::a_negative_cache_hit_does_not_read_the_table,
        cache_aside::the_circuit_breaker_stops_calls_to_a_failing_cache,
        cache_aside::a_cache_that_recovers_is_used_again,
        cache_aside::the_function_s_metrics_match_the_cache_s_own_counts,
        caching::the_first_read_of_a_location_misses_and_later_ones_hit,
        caching::a_location_misses_again_after_its_ttl,
        chaos::every_record_gets_its_item_whatever_fault_the_cache_has,
        chaos::every_record_of_a_coalesced_batch_gets_its_item_whatever_fault_the_cache_has,
        caching::an_unknown_location_is_processed_without_an_item,
        contract::the_consumer_reads_the_producer_s_records,
        failing_cache::a_cache_that_is_down_fails_no_record,
        failing_cache::a_cache_that_is_down_at_init_fails_no_record,
        failing_cache::a_slow_cache_fails_no_record,
        failing_cache::a_rate_limited_cache_fails_no_record,
        failing_cache::a_corrupt_cached_value_counts_as_a_miss_and_is_overwritten,
        failing_function::the_mapping_retries_a_function_error_and_loses_no_record,
        failing_function::the_mapping_retries_after_a_crash_and_loses_no_record,
        failing_function::the_mapping_retries_after_a_timeout_and_loses_no_record,
        init::init_fails_with_the_reason_when_the_parameter_is_missing,
        init::init_fails_with_the_reason_when_the_api_key_is_invalid,
        init::init_fails_with_the_name_of_a_variable_whose_value_is_invalid,
        records::a_malformed_record_is_discarded_alone_and_blocks_no_other,
        records::a_discarded_record_reaches_a_second_function_through_the_queue,
        records::records_of_each_shard_keep_their_order,
        records::ten_thousand_records_are_all_processed,
    }
    // These need this project's own Invoke API, or counts from outside the function:
    // cold starts, and reads of the API key. The containers have AWS's emulator instead,
    // which passes no trace header.
    On::Only(Backend::Embedded), Grpc => {
        cache_aside::a_coalesced_batch_of_3000_new_locations_is_cached_without_a_failed_call,
        cache_aside::every_line_has_its_invocation_s_trace_ids,
        cache_aside::a_batch_near_its_deadline_is_answered_and_no_record_is_lost,
        key_rotation::a_refused_api_key_is_read_again_once_and_no_record_is_lost,
        e2e::e2e_processes_every_record_through_the_cache,
        invoke_api::a_function_error_has_its_header_and_a_success_has_none,
        invoke_api::a_payload_over_six_megabytes_is_refused,
        invoke_api::invoking_an_unknown_function_is_not_found,
    }
    // These restart, crash or freeze containers, or need SQS.
    On::Only(Backend::Localstack), Grpc => {
        containers::the_mapping_continues_after_localstack_restarts_without_its_state,
        containers::no_record_is_lost_when_the_emulator_crashes,
        containers::a_discarded_batch_is_in_the_on_failure_queue,
        containers::a_frozen_cache_fails_no_record,
        containers::ports_are_published_on_loopback_alone,
    }
    // The scenarios of the cache again, over the SDK's other protocol.
    On::Every, Protosocket => {
        caching::the_first_read_of_a_location_misses_and_later_ones_hit,
        failing_cache::a_cache_that_is_down_fails_no_record,
    }
    On::Only(Backend::Embedded), Protosocket => {
        cache_aside::records_that_miss_together_read_the_table_once,
        cache_aside::coalescing_makes_fewer_cache_calls_and_returns_the_same_items,
        cache_aside::a_coalesced_batch_of_3000_new_locations_is_cached_without_a_failed_call,
        cache_aside::a_batch_near_its_deadline_is_answered_and_no_record_is_lost,
        cache_aside::a_cached_absence_expires_after_its_own_ttl,
        cache_aside::a_negative_cache_hit_does_not_read_the_table,
        cache_aside::the_circuit_breaker_stops_calls_to_a_failing_cache,
        cache_aside::a_cache_that_recovers_is_used_again,
        cache_aside::the_function_s_metrics_match_the_cache_s_own_counts,
        caching::a_location_misses_again_after_its_ttl,
        chaos::every_record_gets_its_item_whatever_fault_the_cache_has,
        chaos::every_record_of_a_coalesced_batch_gets_its_item_whatever_fault_the_cache_has,
        e2e::e2e_processes_every_record_through_the_cache,
        failing_cache::a_cache_that_is_down_at_init_fails_no_record,
        failing_cache::a_slow_cache_fails_no_record,
        failing_cache::a_rate_limited_cache_fails_no_record,
        failing_cache::a_corrupt_cached_value_counts_as_a_miss_and_is_overwritten,
        init::init_fails_with_the_reason_when_the_api_key_is_invalid,
        key_rotation::a_refused_api_key_is_read_again_once_and_no_record_is_lost,
    }
}
