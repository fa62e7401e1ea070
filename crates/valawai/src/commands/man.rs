//! `man`: prints the manual page.

use clap::Args;

use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_help = "To read it: c1_echo man | man -l -")]
pub(super) struct Man {}

impl Command for Man {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let mut command_line = invocation.command_line();
        // Fills in what the subcommands inherit.
        command_line.build();
        let mut page = Vec::new();
        clap_mangen::Man::new(command_line.clone()).render(&mut page)?;
        for command in command_line.get_subcommands().filter(|command| command.get_name() != "help") {
            let man = clap_mangen::Man::new(command.clone());
            man.render_name_section(&mut page)?;
            man.render_synopsis_section(&mut page)?;
            man.render_description_section(&mut page)?;
            man.render_options_section(&mut page)?;
        }
        invocation.console.bytes(&page)?;
        Ok(Exit::Done)
    }
}
