//! The component's own log: on the console, and in a file that is rotated.

pub(crate) mod context;
mod json;
pub mod levels;
mod one_line;
mod panics;

use std::path::PathBuf;

use log::LevelFilter;
use log4rs::append::Append;
use log4rs::append::console::ConsoleAppender;
use log4rs::append::rolling_file::RollingFileAppender;
use log4rs::append::rolling_file::policy::compound::CompoundPolicy;
use log4rs::append::rolling_file::policy::compound::roll::Roll;
use log4rs::append::rolling_file::policy::compound::roll::delete::DeleteRoller;
use log4rs::append::rolling_file::policy::compound::roll::fixed_window::FixedWindowRoller;
use log4rs::append::rolling_file::policy::compound::trigger::size::SizeTrigger;
use log4rs::config::{Appender, Config, Logger, Root};
use log4rs::encode::Encode;
use log4rs::encode::pattern::PatternEncoder;

use self::json::JsonEncoder;
use self::levels::{Destination, OnlyEnabled};
use self::one_line::OneLine;

pub(crate) use self::panics::install_hook as install_panic_hook;

const CONSOLE_PATTERN: &str = "{d(%Y-%m-%d %H:%M:%S%.3f)} [{l}] {t}: {m}{n}";
const FILE_PATTERN: &str = "{t}: {d(%Y-%m-%d %H:%M:%S%.3f)} | {l} | {f}:{L} | {P} >>> {m}{n}";

/// Libraries whose own log lines are discarded: they contain whole frames, and with them the password. Their errors are
/// logged by the callers.
const SILENCED: [&str; 6] = ["amiquip", "mio", "rustls", "rustls_native_certs", "ureq", "ureq_proto"];

/// The destinations of the log, and their levels.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the log file. Defaults to `logs`.
    pub folder: PathBuf,
    /// The name of the log file. Defaults to `log_messages.txt`.
    pub file_name: String,
    /// The level of the console. Defaults to INFO.
    pub console: LevelFilter,
    /// The level of the file. Defaults to DEBUG.
    pub file: LevelFilter,
    /// The levels of single modules, of both. Empty by default.
    pub targets: Vec<(String, LevelFilter)>,
    /// The size in bytes at which the file is rotated. Defaults to 1,000,000.
    pub file_max_bytes: u64,
    /// How many rotated files are kept. Defaults to 5.
    pub file_backups: u32,
    /// The form of the lines. Defaults to text.
    pub format: Format,
}

/// The form of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Starts logging for `component`. If the file cannot be opened, logs to the console only.
pub fn start(options: &Options, component: &str) {
    panics::install_hook();
    levels::set(options);
    let json = match options.format {
        Format::Text => None,
        Format::Json => {
            context::want();
            Some(JsonEncoder::new(component))
        }
    };
    match file_appender(options, json.as_ref()) {
        Ok(file) => start_both(file, json.as_ref()),
        Err(error) => {
            start_console(json);
            let path = options.folder.join(&options.file_name);
            log::warn!("cannot log to {}: {error}; logging to the console only", path.display());
        }
    }
}

/// The encoder of the lines: `json`, or one for the pattern of a text.
fn encoder(json: Option<&JsonEncoder>, pattern: &str) -> Box<dyn Encode> {
    match json {
        Some(json) => Box::new(json.clone()),
        None => Box::new(PatternEncoder::new(pattern)),
    }
}

fn start_both(file: RollingFileAppender, json: Option<&JsonEncoder>) {
    let console = ConsoleAppender::builder().encoder(encoder(json, CONSOLE_PATTERN)).build();
    let root = Root::builder().appender("console").appender("file").build(LevelFilter::Trace);
    let config = Config::builder()
        .appender(appender("console", Destination::Console, Box::new(console)))
        .appender(appender("file", Destination::File, Box::new(file)))
        .loggers(SILENCED.map(|name| Logger::builder().build(name, LevelFilter::Off)))
        .build(root)
        .expect("the appenders of the root exist, and the names of the loggers are distinct");
    install(log4rs::Logger::new(config), json.is_some());
}

fn install(logger: impl log::Log + 'static, is_json: bool) {
    // JSON escapes what would break a line by itself.
    let logger: Box<dyn log::Log> = if is_json { Box::new(logger) } else { Box::new(OneLine(logger)) };
    // This fails only if a test installed another logger before, which then stays.
    if log::set_boxed_logger(logger).is_ok() {
        levels::apply();
    }
}

fn start_console(json: Option<JsonEncoder>) {
    let (mut builder, is_json) = (env_logger::Builder::new(), json.is_some());
    if let Some(json) = json {
        builder.format(move |writer, record| json.write(writer, record));
    }
    builder.filter_level(LevelFilter::Trace).target(env_logger::Target::Stdout);
    for name in SILENCED {
        builder.filter_module(name, LevelFilter::Off);
    }
    install(OnlyEnabled(builder.build()), is_json);
}

fn appender(name: &str, destination: Destination, appender: Box<dyn Append>) -> Appender {
    Appender::builder().filter(Box::new(destination)).build(name, appender)
}

fn file_appender(
    options: &Options,
    json: Option<&JsonEncoder>,
) -> Result<RollingFileAppender, Box<dyn std::error::Error>> {
    let path = options.folder.join(&options.file_name);
    let roller: Box<dyn Roll> = match options.file_backups {
        0 => Box::new(DeleteRoller::new()),
        count => Box::new(FixedWindowRoller::builder().base(1).build(&format!("{}.{{}}", path.display()), count)?),
    };
    let policy = CompoundPolicy::new(Box::new(SizeTrigger::new(options.file_max_bytes)), roller);
    Ok(RollingFileAppender::builder().encoder(encoder(json, FILE_PATTERN)).build(path, Box::new(policy))?)
}
