//! What all contexts of a component share.

use std::sync::Arc;

use super::Output;
use super::outlet::Outlets;
use super::settings::OwnSettings;
use crate::mov::log::MovLog;
use crate::name::ChannelName;
use crate::operations::channel_metrics::ChannelMetrics;
use crate::operations::live_settings::LiveSettings;
use crate::operations::metrics::Metrics;

/// What all contexts of a component share.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) log: MovLog,
    /// The full name of the component; empty in tests of a handler.
    pub(crate) component: String,
    /// The version of the component; empty in tests of a handler.
    pub(crate) version: &'static str,
    /// The channels on which the component publishes. `None` allows any output, for tests.
    pub(super) outputs: Option<Vec<ChannelName>>,
    /// The settings that the author declares.
    pub(super) settings: Option<OwnSettings>,
    /// The settings of the process, if they can change.
    pub(super) live: Option<LiveSettings>,
    /// The producers from configuration.
    pub(crate) outlets: Arc<Outlets>,
}

impl Scope {
    /// The settings of the component as they are now.
    pub(super) fn settings<S: Send + Sync + 'static>(&self) -> Arc<S> {
        let current = self.settings.as_ref().and_then(OwnSettings::current);
        let declared = current.and_then(|settings| settings.downcast().ok());
        declared.expect("the component declares settings of this type with `Component::settings`")
    }

    /// The queues on which the component publishes, with their counters in `metrics`.
    pub(crate) fn outputs_in(&self, metrics: &Metrics) -> Vec<(Arc<str>, Arc<ChannelMetrics>)> {
        let outputs = self.outputs.iter().flatten();
        outputs.filter_map(|output| Some((Arc::clone(output.queue()), metrics.channel(output.short())?))).collect()
    }

    pub(super) fn queue_of(&self, output: Output) -> Option<Arc<str>> {
        match &self.outputs {
            Some(outputs) => {
                let channel = outputs.iter().find(|channel| channel.short() == output.channel())?;
                Some(Arc::clone(channel.queue()))
            }
            None => Some(output.channel().into()),
        }
    }
}
