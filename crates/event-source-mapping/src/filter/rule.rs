//! The rules at a pattern's leaves. (`EventBridge` user guide, "Comparison
//! operators for use in event patterns".)

use std::{cmp::Ordering, net::IpAddr};

use serde_json::Value;

use super::{
    FilterError,
    pattern::{malformed, only_entry},
    wildcard::Wildcard,
};

/// Numbers that a rule may compare with reach this far from zero.
const LARGEST_NUMBER: f64 = 5e9;

const OPERATORS: &str =
    "anything-but, cidr, equals-ignore-case, exists, numeric, prefix, suffix or wildcard";

/// A rule at a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    TextIgnoringCase(String),
    Prefix {
        text: String,
        ignore_case: bool,
    },
    Suffix {
        text: String,
        ignore_case: bool,
    },
    Wildcard(Wildcard),
    Exists(bool),
    Numeric(Vec<(Comparison, f64)>),
    Cidr {
        network: IpAddr,
        bits: u8,
    },
    /// Matches a value that no rule of the list matches.
    AnythingBut(Vec<Rule>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Rule {
    pub(super) fn parse(json: &Value, path: &str) -> Result<Self, FilterError> {
        let Value::Object(entries) = json else {
            return Self::parse_value(json, path);
        };
        let (operator, operand) = only_entry(entries, path)?;
        match operator {
            "anything-but" => anything_but(operand, path).map(Self::AnythingBut),
            "exists" => match operand {
                Value::Bool(exists) => Ok(Self::Exists(*exists)),
                other => Err(unexpected(path, "exists", "true or false", other)),
            },
            "numeric" => numeric(operand, path).map(Self::Numeric),
            "cidr" => cidr(operand, path),
            _ => Self::parse_text_operator(operator, operand, path),
        }
    }

    /// A plain value: equality.
    fn parse_value(json: &Value, path: &str) -> Result<Self, FilterError> {
        match json {
            Value::Null => Ok(Self::Null),
            Value::Bool(value) => Ok(Self::Boolean(*value)),
            Value::Number(_) => number(json, path).map(Self::Number),
            Value::String(text) => Ok(Self::Text(text.clone())),
            other => {
                let what = format!("expected a value or an operator, found {other}");
                Err(malformed(path, &what))
            }
        }
    }

    fn parse_text_operator(
        operator: &str,
        operand: &Value,
        path: &str,
    ) -> Result<Self, FilterError> {
        match operator {
            "prefix" => {
                let (text, ignore_case) = affix(operator, operand, path)?;
                Ok(Self::Prefix { text, ignore_case })
            }
            "suffix" => {
                let (text, ignore_case) = affix(operator, operand, path)?;
                Ok(Self::Suffix { text, ignore_case })
            }
            "equals-ignore-case" => {
                let text = text(operator, operand, path)?;
                Ok(Self::TextIgnoringCase(text.to_lowercase()))
            }
            "wildcard" => Wildcard::parse(text(operator, operand, path)?)
                .map(Self::Wildcard)
                .map_err(|what| malformed(path, what)),
            other => {
                let what = format!("there is no operator {other:?}; expected {OPERATORS}");
                Err(malformed(path, &what))
            }
        }
    }

    /// Whether a leaf matches. An object is not a leaf: rules treat it as missing.
    pub(super) fn matches(&self, value: Option<&Value>) -> bool {
        let value = value.filter(|value| !value.is_object());
        match (self, value) {
            (Self::Exists(wanted), value) => *wanted == value.is_some(),
            (_, None) => false,
            (Self::AnythingBut(rules), value) => !rules.iter().any(|rule| rule.matches(value)),
            (Self::Null, Some(value)) => value.is_null(),
            (Self::Boolean(wanted), Some(value)) => value.as_bool() == Some(*wanted),
            (Self::Number(wanted), Some(value)) => {
                value.as_f64().is_some_and(|found| equal(found, *wanted))
            }
            (Self::Numeric(bounds), Some(value)) => value
                .as_f64()
                .is_some_and(|found| bounds.iter().all(|(is, bound)| is.holds(found, *bound))),
            (_, Some(Value::String(found))) => self.matches_text(found),
            _ => false,
        }
    }

    fn matches_text(&self, found: &str) -> bool {
        let folded = |ignore_case: bool| {
            if ignore_case {
                found.to_lowercase()
            } else {
                found.to_owned()
            }
        };
        match self {
            Self::Text(text) => found == text,
            Self::TextIgnoringCase(text) => found.to_lowercase() == *text,
            Self::Prefix { text, ignore_case } => folded(*ignore_case).starts_with(text),
            Self::Suffix { text, ignore_case } => folded(*ignore_case).ends_with(text),
            Self::Wildcard(wildcard) => wildcard.matches(found),
            Self::Cidr { network, bits } => found
                .parse()
                .is_ok_and(|address| same_network(address, *network, *bits)),
            _ => false,
        }
    }
}

impl Comparison {
    fn parse(json: &Value) -> Option<Self> {
        match json.as_str()? {
            "=" => Some(Self::Equal),
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessOrEqual),
            ">" => Some(Self::Greater),
            ">=" => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    fn holds(self, found: f64, bound: f64) -> bool {
        match self {
            Self::Equal => equal(found, bound),
            Self::Less => found < bound,
            Self::LessOrEqual => found <= bound,
            Self::Greater => found > bound,
            Self::GreaterOrEqual => found >= bound,
        }
    }
}

/// As the pattern and the event spell them; 300 and 3.0e2 are one number.
fn equal(one: f64, other: f64) -> bool {
    one.partial_cmp(&other) == Some(Ordering::Equal)
}

/// A value, a list of values, or text operators over one text or several.
fn anything_but(operand: &Value, path: &str) -> Result<Vec<Rule>, FilterError> {
    match operand {
        Value::Array(values) if values.is_empty() => {
            Err(malformed(path, "the list of anything-but is empty"))
        }
        Value::Array(values) => values
            .iter()
            .map(|value| Rule::parse_value(value, path))
            .collect(),
        Value::Object(entries) => {
            let (operator, operand) = only_entry(entries, path)?;
            let operands = match operand {
                Value::Array(several) => several.as_slice(),
                one => std::slice::from_ref(one),
            };
            operands
                .iter()
                .map(|one| Rule::parse_text_operator(operator, one, path))
                .collect()
        }
        value => Rule::parse_value(value, path).map(|rule| vec![rule]),
    }
}

fn numeric(operand: &Value, path: &str) -> Result<Vec<(Comparison, f64)>, FilterError> {
    let expected = "a list such as [\">\", 0, \"<=\", 5]";
    let Value::Array(items) = operand else {
        return Err(unexpected(path, "numeric", expected, operand));
    };
    let bounds: Vec<_> = items
        .chunks(2)
        .map(|pair| match pair {
            [is, bound] => {
                let is = Comparison::parse(is)
                    .ok_or_else(|| unexpected(path, "numeric", "=, <, <=, > or >=", is))?;
                Ok((is, number(bound, path)?))
            }
            _ => Err(unexpected(path, "numeric", expected, operand)),
        })
        .collect::<Result<_, _>>()?;
    match bounds.len() {
        1 | 2 => Ok(bounds),
        _ => Err(unexpected(path, "numeric", expected, operand)),
    }
}

fn number(json: &Value, path: &str) -> Result<f64, FilterError> {
    match json.as_f64() {
        Some(number) if number.abs() <= LARGEST_NUMBER => Ok(number),
        Some(_) => Err(malformed(
            path,
            &format!("the number {json} is beyond -5e9 to 5e9"),
        )),
        None => Err(malformed(path, &format!("expected a number, found {json}"))),
    }
}

/// The text of `prefix` or `suffix`, and whether its case does not matter.
fn affix(operator: &str, operand: &Value, path: &str) -> Result<(String, bool), FilterError> {
    let Value::Object(entries) = operand else {
        return Ok((text(operator, operand, path)?.to_owned(), false));
    };
    match only_entry(entries, path)? {
        ("equals-ignore-case", Value::String(text)) => Ok((text.to_lowercase(), true)),
        _ => Err(unexpected(
            path,
            operator,
            "text or {\"equals-ignore-case\": text}",
            operand,
        )),
    }
}

fn text<'a>(operator: &str, operand: &'a Value, path: &str) -> Result<&'a str, FilterError> {
    operand
        .as_str()
        .ok_or_else(|| unexpected(path, operator, "text", operand))
}

fn cidr(operand: &Value, path: &str) -> Result<Rule, FilterError> {
    let parsed = operand.as_str().and_then(|text| {
        let (network, bits) = text.split_once('/')?;
        let network: IpAddr = network.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Rule::Cidr { network, bits })
    });
    parsed.ok_or_else(|| unexpected(path, "cidr", "a network such as \"10.0.0.0/24\"", operand))
}

fn same_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differing = one.to_bits() ^ other.to_bits();
            differing.leading_zeros() >= bits
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differing = one.to_bits() ^ other.to_bits();
            differing.leading_zeros() >= bits
        }
        _ => false,
    }
}

fn unexpected(path: &str, operator: &str, expected: &str, found: &Value) -> FilterError {
    malformed(path, &format!("{operator} is {found}; expected {expected}"))
}
