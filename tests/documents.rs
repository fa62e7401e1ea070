//! The commands of the documents run, and print what the documents say.

mod document;
mod terminal;

use std::collections::BTreeMap;
use std::sync::Mutex;

use tempfile::TempDir;

use self::document::Step;
use self::terminal::Terminal;

#[test]
fn the_commands_of_the_tutorial_print_what_it_says() {
    follow(include_str!("../docs/tutorial.md"), 4);
}

#[test]
fn the_commands_for_operators_print_what_their_document_says() {
    follow(include_str!("../docs/operating.md"), 2);
}

#[test]
fn the_recipes_for_certificates_and_for_etcd_print_what_their_document_says() {
    follow(include_str!("../docs/configuration.md"), 4);
}

/// The platform of one document at a time: its settings are in `target/platform.env`.
static PLATFORM: Mutex<()> = Mutex::new(());

/// Does what a document says, in a terminal with the platform and in `count` others.
fn follow(document: &str, count: usize) {
    let _platform = PLATFORM.lock();
    let home = TempDir::new().unwrap();
    let mut terminals: BTreeMap<String, Terminal> = BTreeMap::new();
    let mut terminal = String::new();
    for step in document::steps(document) {
        match step {
            Step::Terminal(name) => {
                terminals.entry(name.clone()).or_insert_with(|| Terminal::open(home.path()));
                terminal = name;
            }
            Step::Interrupt => terminals.get_mut(&terminal).expect("a terminal").interrupt(),
            Step::Run(commands, code) => terminals.get_mut(&terminal).expect("a terminal").run(&commands, code),
            Step::Expect(line) => terminals[&terminal].expect(&line),
        }
    }
    // The platform must outlive the components, which unregister.
    let platform = terminals.remove("platform");
    assert_eq!(terminals.len(), count, "the document has other terminals: {:?}", terminals.keys());
    for (name, mut terminal) in terminals {
        println!("{name} ends");
        terminal.interrupt();
    }
    drop(platform);
}
