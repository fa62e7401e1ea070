//! Settings of single channels: `CHANNEL_DATA_RECEIVED_MESSAGE_PREFETCH`, or `channels/data/received_message/prefetch`.

use std::collections::BTreeMap;

use super::document::name_of;
use super::parse;
use super::reader::Reader;

/// What is set for one channel, instead of what its author or another setting says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelSettings {
    /// `CHANNEL_…_PREFETCH`: maximum number of deliveries in flight for each consumer.
    pub prefetch: Option<u16>,
    /// `CHANNEL_…_WORKERS`: consumer threads of its own.
    pub workers: Option<usize>,
    /// `CHANNEL_…_RETRIES`: how often a message is retried.
    pub retries: Option<u32>,
    /// `CHANNEL_…_PAUSED`: whether it is not consumed for now. Nothing means that only operators decide.
    pub paused: Option<bool>,
}

impl Reader<'_> {
    /// The settings of the channels that have handlers, by their short names. Channels without any are left out.
    pub(super) fn channels(&mut self) -> BTreeMap<String, ChannelSettings> {
        let names = self.handlers.unwrap_or_default().iter().map(|handler| handler.channel.short());
        let settings = names.map(|name| (name.to_owned(), self.channel(name)));
        settings.filter(|(_, settings)| *settings != ChannelSettings::default()).collect()
    }

    fn channel(&mut self, name: &str) -> ChannelSettings {
        let name_of = |what: &str| name_of(&format!("channels/{name}/{what}"));
        ChannelSettings {
            prefetch: self.get(name_of("prefetch"), None, |text| parse::number(1..=u16::MAX)(text).map(Some)),
            workers: self.get(name_of("workers"), None, |text| parse::number(1..=64)(text).map(Some)),
            retries: self.get(name_of("retries"), None, |text| parse::number(0..=1000)(text).map(Some)),
            paused: self.get(name_of("paused"), None, |text| parse::yes_or_no(text).map(Some)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::routes::HandlerChannel;
    use crate::settings::Settings;

    fn handlers<const N: usize>(channels: [&str; N]) -> [HandlerChannel; N] {
        channels.map(|channel| HandlerChannel {
            channel: format!("valawai/c1/echo/{channel}").parse().unwrap(),
            has_state: false,
        })
    }

    #[test]
    fn a_channel_has_settings_of_its_own() {
        let variables =
            [("CHANNEL_DATA_IN_PREFETCH", "7"), ("CHANNEL_DATA_IN_PAUSED", "yes"), ("CHANNEL_DATA_OTHER_WORKERS", "3")];
        let settings = Settings::read_for(&variables, &handlers(["data/in", "data/other", "data/third"])).unwrap();
        let channel = &settings.channels["data/in"];
        assert_eq!((channel.prefetch, channel.paused, channel.workers), (Some(7), Some(true), None));
        assert_eq!(settings.channels["data/other"].workers, Some(3));
        assert!(!settings.channels.contains_key("data/third"));
        let shown = settings.effective.iter().find(|it| it.name == "CHANNEL_DATA_IN_PREFETCH").unwrap();
        assert_eq!((&*shown.value, &*shown.origin), ("7", "the environment"));
    }

    #[test]
    fn an_invalid_setting_of_a_channel_is_named() {
        let wrong = Settings::read_for(&[("CHANNEL_DATA_IN_WORKERS", "0")], &handlers(["data/in"])).unwrap_err();
        assert!(wrong.to_string().contains("CHANNEL_DATA_IN_WORKERS: expected a number from 1 to 64"), "{wrong}");
    }
}
