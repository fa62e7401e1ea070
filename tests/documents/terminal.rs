//! A terminal in which a reader enters commands.

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::{Process, ProcessBuilder};

use super::document::matches;
use crate::test_bed::SOON;

/// Commands compile, possibly while other tests run.
const COMPILING: Duration = Duration::from_secs(300);

/// Each block of commands runs in a shell of its own, which takes over the folder and the variables of the one before.
pub(super) struct Terminal {
    builder: ProcessBuilder,
    running: Option<Process>,
    /// What the running commands end with.
    expected_code: i32,
}

impl Terminal {
    /// A terminal in the folder of the repository.
    pub(super) fn open(home: &Path) -> Self {
        let mut builder =
            ProcessBuilder::program(Path::new("/bin/bash")).arg("commands.sh").env("HOME", home.display());
        // Cargo finds its files in the real home, and builds where the libraries are built already.
        let real_home = env::var("HOME").unwrap_or_default();
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            builder = builder.env(name, env::var(name).unwrap_or_else(|_| format!("{real_home}/{folder}")));
        }
        if let Ok(toolchain) = env::var("RUSTUP_TOOLCHAIN") {
            builder = builder.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        let own = env::current_exe().expect("the path of the test");
        let target = own.ancestors().nth(3).expect("the folder of the builds");
        let programs = format!("{}/debug:{}", target.display(), env::var("PATH").unwrap_or_default());
        let builder = builder.env("CARGO_TARGET_DIR", target.display()).env("PATH", programs);
        let directory = builder.directory();
        fs::write(directory.join("folder"), env!("CARGO_MANIFEST_DIR")).expect("write the folder of the shell");
        fs::write(directory.join("variables"), "").expect("write the variables of the shell");
        Self { builder, running: None, expected_code: 0 }
    }

    /// Enters commands that end with `code`, when those before have ended.
    pub(super) fn run(&mut self, commands: &str, code: i32) {
        if let Some(before) = &self.running {
            let exit = before.wait_exit(COMPILING);
            assert_eq!(exit.code(), Some(self.expected_code), "commands did not end so:\n{}", before.output());
        }
        self.expected_code = code;
        println!("{commands}");
        let state = self.builder.directory().display();
        let script = format!(
            "set -e\n. {state}/variables\ncd \"$(cat {state}/folder)\"\n\
             trap 'pwd >{state}/folder; declare -px >{state}/variables' EXIT\n{commands}\n"
        );
        fs::write(self.builder.directory().join("commands.sh"), script).expect("write the commands");
        self.running = Some(self.builder.start());
    }

    /// Presses Ctrl-C, if a command runs. It must end well.
    pub(super) fn interrupt(&mut self) {
        let Some(process) = self.running.take() else { return };
        process.interrupt();
        let exit = process.wait_exit(SOON);
        assert_eq!(
            // A command that the signal ended, as shells number it.
            exit.code().unwrap_or(130),
            self.expected_code,
            "a command did not end well after Ctrl-C:\n{}",
            process.output()
        );
    }

    /// Waits until the commands have printed a line.
    pub(super) fn expect(&self, line: &str) {
        let process = self.running.as_ref().expect("commands before their output");
        process.wait_until(&format!("it to print {line:?}"), COMPILING, || {
            process.output().lines().any(|printed| matches(printed, line))
        });
    }
}
