//! Reads what a document tells its reader to do.

/// One thing that a reader does or sees.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// What follows happens in this terminal.
    Terminal(String),
    /// Press Ctrl-C.
    Interrupt,
    /// Enter these commands, which end with this code.
    Run(String, i32),
    /// See this line; `…` stands for any text.
    Expect(String),
}

/// The steps of a Markdown document. A comment before a block says where it belongs:
///
/// - `<!-- terminal: name -->`, or `<!-- terminal: name, after Ctrl-C -->` if a command still runs there
/// - `<!-- needs Docker -->`: the block is left out
/// - `<!-- needs a-program -->`: the block is left out where `PATH` does not have the program
/// - `<!-- exit code 1 -->`: the commands end with this code
///
/// `<!-- before: command -->` is done as well, to make happen what the document is about.
///
/// Blocks of `sh` are commands, those of `text` their output, and others are left out.
pub(super) fn steps(document: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = document.lines();
    let (mut missing, mut code) = (None, 0);
    while let Some(indented) = lines.next() {
        // Blocks in lists are indented.
        let line = indented.trim_start();
        let indent = &indented[..indented.len() - line.len()];
        if let Some(terminal) = line.strip_prefix("<!-- terminal: ").and_then(|rest| rest.strip_suffix(" -->")) {
            match terminal.strip_suffix(", after Ctrl-C") {
                Some(terminal) => steps.extend([Step::Terminal(terminal.to_owned()), Step::Interrupt]),
                None => steps.push(Step::Terminal(terminal.to_owned())),
            }
        } else if let Some(program) = line.strip_prefix("<!-- needs ").and_then(|rest| rest.strip_suffix(" -->")) {
            missing = Some(program).filter(|program| !is_in_path(program));
        } else if let Some(number) = line.strip_prefix("<!-- exit code ").and_then(|rest| rest.strip_suffix(" -->")) {
            code = number.parse().expect("an exit code");
        } else if let Some(command) = line.strip_prefix("<!-- before: ").and_then(|rest| rest.strip_suffix(" -->")) {
            steps.push(Step::Run(command.to_owned(), 0));
        } else if let Some(language) = line.strip_prefix("```") {
            let unindented = lines.by_ref().map(|line| line.strip_prefix(indent).unwrap_or(line));
            let block: Vec<&str> = unindented.take_while(|line| *line != "```").collect();
            match language {
                "sh" if missing.is_some() => println!("SKIPPED, because it needs {missing:?}:\n{}", block.join("\n")),
                "sh" => steps.push(Step::Run(block.join("\n"), std::mem::take(&mut code))),
                "text" => steps.extend(block.into_iter().map(|line| Step::Expect(line.to_owned()))),
                _ => {}
            }
            missing = None;
        }
    }
    steps
}

/// Docker is not a name that a program has, so it never is.
fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether `line` is `expected`, in which `…` stands for any text.
pub(super) fn matches(line: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

#[test]
fn dots_stand_for_any_text() {
    for (line, expected) in
        [("ab", "ab"), ("ab", "…b"), ("ab", "a…"), ("ab", "…"), ("a b c", "a…c"), ("a b c", "…b…"), ("a b", "a…b…")]
    {
        assert!(matches(line, expected), "{line:?} is not {expected:?}");
    }
    for (line, expected) in [("ab", "a"), ("ab", "b"), ("ab", "…a"), ("ab", "b…"), ("a b c", "…d…"), ("", "a…")]
    {
        assert!(!matches(line, expected), "{line:?} is {expected:?}");
    }
}

#[test]
fn a_document_is_read_as_steps() {
    let document = "Text\n<!-- terminal: one -->\n   ```sh\n   cd x\n     ls\n   ```\n```text\ny\n```\n\n```rust\nfn\n```\n\
                    <!-- needs Docker -->\n```sh\ndocker\n```\n<!-- before: a -->\n<!-- exit code 1 -->\n```sh\nb\n```\n<!-- terminal: two, after Ctrl-C -->\n```text\nz…\n```\n";
    let expected = [
        Step::Terminal("one".to_owned()),
        Step::Run("cd x\n  ls".to_owned(), 0),
        Step::Expect("y".to_owned()),
        Step::Run("a".to_owned(), 0),
        Step::Run("b".to_owned(), 1),
        Step::Terminal("two".to_owned()),
        Step::Interrupt,
        Step::Expect("z…".to_owned()),
    ];
    assert_eq!(steps(document), expected);
}
