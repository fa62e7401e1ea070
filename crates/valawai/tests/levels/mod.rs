//! What authors rely on when they test components of all levels with `valawai::testing`: the same components and the same tests
//! run there, in memory, and on RabbitMQ with the simulator of the Master Of VALAWAI.

mod c2;
mod failures;
mod handlers;
mod rabbitmq;
mod sessions;
mod settings;
mod several_c2;
mod sources;

use serde::Deserialize;
use serde_json::{Value, json};

use valawai::testing::{self, LogEntry};
use valawai::{Component, Context, Failure};

use valawai::internals::asyncapi::sample;

const TEMPERATURE: &str = "data/temperature";
const ALARM: &str = "data/alarm";

/// A component that runs. The methods are those of [`testing::Running`].
trait Running: Sized {
    fn run_with(component: &Component, settings: &[(&'static str, &str)]) -> Self;
    fn publish_raw(&self, channel: &str, body: &str);
    fn receive(&self, channel: &str) -> Value;
    fn published(&self, channel: &str) -> Vec<Value>;
    fn dead_letters(&self, channel: &str) -> Vec<Value>;
    fn wait_until_acknowledged(&self, channel: &str);
    fn wait_for_log(&self, text: &str) -> LogEntry;
    fn log(&self) -> Vec<LogEntry>;
    fn requested(&self) -> Vec<(&'static str, Value)>;
    fn wait_registered(&self) -> Value;
    fn reject(&self, channel: &str, rejects: bool);
    fn disconnect(&self);
    fn change_settings(&self, settings: &[(&str, &str)]);

    fn run(component: &Component) -> Self {
        Self::run_with(component, &[])
    }

    fn publish(&self, channel: &str, value: &Value) {
        self.publish_raw(channel, &value.to_string());
    }
}

impl Running for testing::Running {
    fn run_with(component: &Component, settings: &[(&'static str, &str)]) -> Self {
        testing::run_with(component, settings)
    }

    fn publish_raw(&self, channel: &str, body: &str) {
        self.publish_raw(channel, body);
    }

    fn receive(&self, channel: &str) -> Value {
        self.receive(channel)
    }

    fn published(&self, channel: &str) -> Vec<Value> {
        self.published(channel)
    }

    fn dead_letters(&self, channel: &str) -> Vec<Value> {
        self.dead_letters(channel)
    }

    fn wait_until_acknowledged(&self, channel: &str) {
        self.wait_until_acknowledged(channel);
    }

    fn wait_for_log(&self, text: &str) -> LogEntry {
        self.wait_for_log(text)
    }

    fn log(&self) -> Vec<LogEntry> {
        self.log()
    }

    fn requested(&self) -> Vec<(&'static str, Value)> {
        self.requested()
    }

    fn wait_registered(&self) -> Value {
        self.wait_registered()
    }

    fn reject(&self, channel: &str, rejects: bool) {
        self.reject(channel, rejects);
    }

    fn disconnect(&self) {
        self.disconnect();
    }

    fn change_settings(&self, settings: &[(&str, &str)]) {
        self.change_settings(settings);
    }
}

macro_rules! in_memory_and_on_rabbitmq {
    ($($file:ident: $($name:ident),*;)*) => {
        mod memory {
            $($(#[test] fn $name() { super::$file::$name::<valawai::testing::Running>() })*)*
        }
        mod on_rabbitmq {
            $($(#[test] fn $name() { super::$file::$name::<super::rabbitmq::RunningOnRabbitMq>() })*)*
        }
    };
}

in_memory_and_on_rabbitmq!(
    sources:
        a_source_publishes_in_order,
        a_source_continues_over_sessions_and_rejected_messages,
        a_source_that_fails_or_panics_is_reported_and_starts_again,
        an_invalid_message_is_refused_at_once_and_the_source_goes_on,
        a_source_that_waits_for_the_broker_does_not_delay_the_stop;
    handlers:
        what_a_handler_sends_is_published_before_its_reply,
        parameters_are_validated_and_the_last_valid_ones_are_kept,
        a_channel_with_workers_of_its_own_is_consumed_in_parallel,
        a_handler_sends_to_a_producer_of_the_configuration_by_its_name,
        a_periodic_handler_sends_to_a_producer_of_the_configuration;
    failures:
        a_failed_message_is_retried_and_others_overtake_it,
        a_message_without_attempts_left_is_a_dead_letter,
        messages_that_cannot_be_processed_are_dead_letters_and_one_error_each;
    sessions:
        a_rejected_reply_delivers_its_message_again_until_it_is_accepted,
        a_message_is_answered_in_the_next_session,
        a_message_whose_handler_is_stuck_is_delivered_to_the_next_session,
        a_state_is_rolled_back_with_rejected_replies_and_lost_sessions,
        a_component_stays_registered_when_its_connection_breaks;
    settings:
        a_handler_sees_a_changed_setting,
        sources_and_periods_see_changed_settings,
        a_change_is_told_on_a_thread_of_its_own_and_only_for_its_fields,
        a_setting_that_is_empty_is_as_one_that_is_not_set,
        a_listener_that_panics_is_called_again,
        a_token_is_never_printed,
        parameters_without_a_handler_change_settings,
        parameters_are_for_the_handler_and_for_the_settings;
    c2:
        a_c2_component_values_sent_messages_and_disables_a_connection,
        a_c2_component_ignores_messages_that_it_published_itself,
        a_sent_message_without_a_payload_is_one_error_and_a_dead_letter;
);

fn alarm_contract() -> &'static str {
    sample("c1/alarm", &["subscribe control/parameters", "subscribe data/temperature", "publish data/alarm"])
}

/// A C1 component that replies to temperatures on the alarm channel.
fn alarm<F>(handler: F) -> Component
where
    F: Fn(Value, &Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    let parameters = |_: Value, _: &Context| Ok(());
    Component::new("1.0.0", alarm_contract()).on(TEMPERATURE).reply(ALARM, handler).parameters(parameters)
}

fn number(number: u64) -> Value {
    json!({ "number": number })
}

fn numbers<R: Running>(running: &R, channel: &str) -> Vec<u64> {
    running.published(channel).iter().filter_map(|message| message["number"].as_u64()).collect()
}

#[derive(Deserialize, Clone)]
struct Temperature {
    celsius: f64,
}
