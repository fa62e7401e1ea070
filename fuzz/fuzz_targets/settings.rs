//! Settings: all that is wrong is told, and the password never.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use valawai::settings::{Settings, Source};

const PASSWORD: &str = "correct horse battery";

struct Lines<'l>(BTreeMap<&'l str, &'l str>);

impl Source for Lines<'_> {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        match name {
            "RABBITMQ_PASSWORD" => Ok(Some(PASSWORD.to_owned())),
            // Whatever the text names would be opened.
            _ if name.ends_with("_FILE") => Ok(None),
            _ => Ok(self.0.get(name).map(|text| (*text).to_owned())),
        }
    }
}

fuzz_target!(|text: &str| {
    let lines = Lines(text.lines().filter_map(|line| line.split_once('=')).collect());
    let shown = match Settings::read(&lines) {
        Ok(settings) => format!("{settings:?}"),
        Err(problems) => format!("{problems} {problems:?}"),
    };
    assert!(!shown.contains(PASSWORD), "the password is shown in {shown}");
});
