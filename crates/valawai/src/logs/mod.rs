//! The component's own log: on the console, and in a file that is rolled over.

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
use log4rs::encode::pattern::PatternEncoder;
use log4rs::filter::threshold::ThresholdFilter;

use self::one_line::OneLine;

const ON_CONSOLE: &str = "{d(%Y-%m-%d %H:%M:%S%.3f)} [{l}] {t}: {m}{n}";
const IN_FILE: &str = "{t}: {d(%Y-%m-%d %H:%M:%S%.3f)} | {l} | {f}:{L} | {P} >>> {m}{n}";

/// Libraries beneath us. What they know comes out as errors, which are logged by those who handle them; their own lines
/// would print frames, and with them the password.
const SILENT: [&str; 4] = ["amiquip", "mio", "ureq", "ureq_proto"];

/// Where the log goes, and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the log file. Defaults to `logs`.
    pub folder: PathBuf,
    /// The file's name. Defaults to `log_messages.txt`.
    pub file_name: String,
    /// What the console shows. Defaults to INFO.
    pub console: LevelFilter,
    /// What the file keeps. Defaults to DEBUG.
    pub file: LevelFilter,
    /// The file is rolled over when it has so many bytes. Defaults to 1,000,000.
    pub file_max_bytes: u64,
    /// How many files are kept beside it. Defaults to 5.
    pub file_backups: u32,
}

/// Starts to log. When the file cannot be opened the console alone is logged to, and the component goes on.
pub fn start(options: &Options) {
    panics::tell();
    match file_appender(options) {
        Ok(file) => start_both(options, file),
        Err(error) => {
            start_console(options.console);
            let path = options.folder.join(&options.file_name);
            log::warn!("cannot log to {}: {error}; logging to the console only", path.display());
        }
    }
}

fn start_both(options: &Options, file: RollingFileAppender) {
    let console = ConsoleAppender::builder().encoder(Box::new(PatternEncoder::new(ON_CONSOLE))).build();
    let root = Root::builder().appender("console").appender("file").build(options.console.max(options.file));
    let config = Config::builder()
        .appender(at("console", options.console, Box::new(console)))
        .appender(at("file", options.file, Box::new(file)))
        .loggers(SILENT.map(|name| Logger::builder().build(name, LevelFilter::Off)))
        .build(root)
        .expect("both appenders of the root are there, and no logger has two names");
    let logger = log4rs::Logger::new(config);
    let level = logger.max_log_level();
    log_to(logger, level);
}

fn log_to(logger: impl log::Log + 'static, level: LevelFilter) {
    // It fails only when a logger was set before, as by a test; that one serves.
    if log::set_boxed_logger(Box::new(OneLine(logger))).is_ok() {
        log::set_max_level(level);
    }
}

fn start_console(level: LevelFilter) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level).target(env_logger::Target::Stdout);
    for name in SILENT {
        builder.filter_module(name, LevelFilter::Off);
    }
    log_to(builder.build(), level);
}

fn at(name: &str, level: LevelFilter, appender: Box<dyn Append>) -> Appender {
    Appender::builder().filter(Box::new(ThresholdFilter::new(level))).build(name, appender)
}

fn file_appender(options: &Options) -> Result<RollingFileAppender, Box<dyn std::error::Error>> {
    let path = options.folder.join(&options.file_name);
    let roller: Box<dyn Roll> = match options.file_backups {
        0 => Box::new(DeleteRoller::new()),
        count => Box::new(FixedWindowRoller::builder().base(1).build(&format!("{}.{{}}", path.display()), count)?),
    };
    let policy = CompoundPolicy::new(Box::new(SizeTrigger::new(options.file_max_bytes)), roller);
    let encoder = Box::new(PatternEncoder::new(IN_FILE));
    Ok(RollingFileAppender::builder().encoder(encoder).build(path, Box::new(policy))?)
}
