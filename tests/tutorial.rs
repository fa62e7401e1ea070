//! `docs/tutorial.md`: its commands run, and print what it says.

mod document;
mod terminal;

use std::collections::BTreeMap;

use tempfile::TempDir;

use self::document::Step;
use self::terminal::Terminal;

#[test]
fn the_commands_of_the_tutorial_print_what_it_says() {
    let home = TempDir::new().unwrap();
    let mut terminals: BTreeMap<String, Terminal> = BTreeMap::new();
    let mut terminal = String::new();
    for step in document::steps(include_str!("../docs/tutorial.md")) {
        match step {
            Step::Terminal(name) => {
                terminals.entry(name.clone()).or_insert_with(|| Terminal::open(home.path()));
                terminal = name;
            }
            Step::Interrupt => terminals.get_mut(&terminal).expect("a terminal").interrupt(),
            Step::Run(commands) => terminals.get_mut(&terminal).expect("a terminal").run(&commands),
            Step::Expect(line) => terminals[&terminal].expect(&line),
        }
    }
    // The platform must outlive the components, which unregister.
    let platform = terminals.remove("platform");
    assert_eq!(terminals.len(), 4, "the tutorial has other terminals: {:?}", terminals.keys());
    for (name, mut terminal) in terminals {
        println!("{name} ends");
        terminal.interrupt();
    }
    drop(platform);
}
