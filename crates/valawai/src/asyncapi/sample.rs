//! Contracts for tests, which are about other things.

/// The contract of `component`, as in `c1/echo`, with the notices of the MOV and these channels, as in
/// `subscribe data/input`, whose messages have no fields. It is never freed.
///
/// # Panics
/// If a channel has no direction.
#[must_use]
pub fn sample(component: &str, channels: &[&str]) -> &'static str {
    let registered = format!(
        "valawai/{component}/control/registered: {{ subscribe: {{ message: {{ payload: {{ properties: {{
    id: &text {{ type: string }}, name: *text, description: *text, version: *text, api_version: *text, type: *text,
    since: *text, channels: *text }} }} }} }} }}"
    );
    let without_fields = |channel: &&str| {
        let (direction, name) = channel.split_once(' ').expect("a direction and a name");
        format!("valawai/{component}/{name}: {{ {direction}: {{ message: {{ payload: {{ properties: {{}} }} }} }} }}")
    };
    let channels: Vec<String> = std::iter::once(registered).chain(channels.iter().map(without_fields)).collect();
    format!("channels:\n  {}\n", channels.join("\n  ")).leak()
}
