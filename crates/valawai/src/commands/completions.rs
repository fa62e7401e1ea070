//! `completions`: prints a script that completes the command line in a shell.

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;

/// Print a script that completes commands and options in a shell
#[derive(Debug, Args)]
#[command(after_help = "For bash: source <(c1_echo completions bash)")]
pub(super) struct Completions {
    shell: SupportedShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SupportedShell {
    Bash,
    Zsh,
    Fish,
}

impl Command for Completions {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let shell = match self.shell {
            SupportedShell::Bash => Shell::Bash,
            SupportedShell::Zsh => Shell::Zsh,
            SupportedShell::Fish => Shell::Fish,
        };
        let mut command_line = invocation.command_line();
        let program = command_line.get_bin_name().unwrap_or_default().to_owned();
        // It would panic on a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command_line, program, &mut script);
        invocation.console.bytes(&script)?;
        Ok(Exit::Done)
    }
}
