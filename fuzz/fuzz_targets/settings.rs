//! Settings: any environment is read or rejected, and the password is never printed.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use valawai::internals::settings::Settings;

const PASSWORD: &str = "correct horse battery";

struct Variables<'v>(BTreeMap<&'v str, &'v str>);

impl valawai::internals::settings::Variables for Variables<'_> {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        match name {
            "RABBITMQ_PASSWORD" => Ok(Some(PASSWORD.to_owned())),
            // Otherwise any file could be opened.
            _ if name.ends_with("_FILE") => Ok(None),
            _ => Ok(self.0.get(name).map(|text| (*text).to_owned())),
        }
    }
}

fuzz_target!(|text: &str| {
    let variables = Variables(text.lines().filter_map(|line| line.split_once('=')).collect());
    let printed = match Settings::read(&variables) {
        Ok(settings) => format!("{settings:?}"),
        Err(problems) => format!("{problems} {problems:?}"),
    };
    assert!(!printed.contains(PASSWORD), "the password is in {printed}");
});
