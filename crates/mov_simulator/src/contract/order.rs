//! The `order` of queries. The MOV's expressions are sloppy: they accept any letters of the field names, in any sequence.

use std::sync::LazyLock;

use regex::Regex;

static COMPONENT_ORDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(?:,?[+|-]?[type|name|description|since])*$").expect("a valid regular expression"));

static CONNECTION_ORDER: LazyLock<Regex> = LazyLock::new(|| {
    let fields = "createTimestamp|updateTimestamp|enabled|source.componentId|source.channelName|target";
    Regex::new(&format!("^(?:,?[+|-]?[{fields}])*$")).expect("a valid regular expression")
});

pub(crate) fn is_component_order(order: &str) -> bool {
    COMPONENT_ORDER.is_match(order)
}

pub(crate) fn is_connection_order(order: &str) -> bool {
    CONNECTION_ORDER.is_match(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_components() {
        for order in ["", "name", "-name", "+since,-type", "|pat", "eman"] {
            assert!(is_component_order(order), "{order}");
        }
        for order in ["zzz", "+zzz", "+", "name,", "--name", " since"] {
            assert!(!is_component_order(order), "{order}");
        }
    }

    #[test]
    fn orders_of_connections() {
        assert!(is_connection_order("-updateTimestamp,source.componentId"));
        assert!(!is_connection_order("-xyz"));
    }
}
