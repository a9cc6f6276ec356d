//! Patterns for JSON: `{ $.level = "ERROR" && ($.count > 3 || $.tags[0] = "a*") }`.

use serde_json::Value;

use super::{
    PatternError,
    compare::{self, Operand, Operator},
    lexer::Lexer,
};

/// Most parentheses inside each other.
const MAX_DEPTH: usize = 32;

/// A pattern in braces.
#[derive(Debug)]
pub(super) struct JsonPattern(Condition);

#[derive(Debug)]
enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Test(Selector, Test),
}

#[derive(Debug)]
enum Test {
    Compare(Operator, Operand),
    IsNull,
    Is(bool),
    Exists(bool),
}

/// `$.a[0].*`
#[derive(Debug)]
struct Selector(Vec<Step>);

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
    Every,
}

impl JsonPattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut lexer = Lexer::new(text);
        lexer.expect("{")?;
        let condition = any(&mut lexer, 0)?;
        lexer.expect("}")?;
        if !lexer.is_at_end() {
            return Err(lexer.unexpected("the end"));
        }
        Ok(Self(condition))
    }

    /// Only a message that is a JSON object can match.
    pub(super) fn matches(&self, message: &str) -> bool {
        let message = message.trim();
        if !message.starts_with('{') {
            return false;
        }
        serde_json::from_str(message).is_ok_and(|value| self.0.holds(&value))
    }
}

fn any(lexer: &mut Lexer<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut conditions = vec![all(lexer, depth)?];
    while lexer.take("||") {
        conditions.push(all(lexer, depth)?);
    }
    Ok(Condition::Any(conditions))
}

fn all(lexer: &mut Lexer<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut conditions = vec![one(lexer, depth)?];
    while lexer.take("&&") {
        conditions.push(one(lexer, depth)?);
    }
    Ok(Condition::All(conditions))
}

fn one(lexer: &mut Lexer<'_>, depth: usize) -> Result<Condition, PatternError> {
    if !lexer.take("(") {
        return test(lexer);
    }
    if depth == MAX_DEPTH {
        let message = format!("there are more than {MAX_DEPTH} parentheses inside each other");
        return Err(PatternError(message));
    }
    let inner = any(lexer, depth + 1)?;
    lexer.expect(")")?;
    Ok(inner)
}

fn test(lexer: &mut Lexer<'_>) -> Result<Condition, PatternError> {
    let selector = selector(lexer)?;
    let test = if let Some(operator) = lexer.operator() {
        Test::Compare(operator, lexer.operand()?)
    } else if lexer.take_word("IS") {
        if lexer.take_word("NULL") {
            Test::IsNull
        } else if lexer.take_word("TRUE") {
            Test::Is(true)
        } else if lexer.take_word("FALSE") {
            Test::Is(false)
        } else {
            return Err(lexer.unexpected("NULL, TRUE or FALSE"));
        }
    } else if lexer.take_word("NOT") {
        if !lexer.take_word("EXISTS") {
            return Err(lexer.unexpected("EXISTS"));
        }
        Test::Exists(false)
    } else if lexer.take_word("EXISTS") {
        Test::Exists(true)
    } else {
        return Err(lexer.unexpected("an operator"));
    };
    Ok(Condition::Test(selector, test))
}

fn selector(lexer: &mut Lexer<'_>) -> Result<Selector, PatternError> {
    if !lexer.take_char('$') {
        return Err(lexer.unexpected("$"));
    }
    let mut steps = Vec::new();
    loop {
        if lexer.take_char('.') {
            if lexer.take_char('*') {
                steps.push(Step::Every);
                continue;
            }
            let fits = |next: char| next.is_alphanumeric() || "_-@#:/".contains(next);
            match lexer.take_while(fits) {
                // `$.['a.b']`
                "" => {}
                name => steps.push(Step::Member(name.to_owned())),
            }
        } else if lexer.take_char('[') {
            steps.push(in_brackets(lexer)?);
        } else {
            break;
        }
    }
    lexer.skip_space();
    Ok(Selector(steps))
}

fn in_brackets(lexer: &mut Lexer<'_>) -> Result<Step, PatternError> {
    let step = if lexer.take_char('*') {
        Step::Every
    } else if lexer.take_char('"') {
        Step::Member(lexer.quoted()?)
    } else if lexer.take_char('\'') {
        let name = lexer.take_while(|next| next != '\'').to_owned();
        if !lexer.take_char('\'') {
            return Err(lexer.unexpected("'"));
        }
        Step::Member(name)
    } else {
        let number = lexer.take_while(|next| next.is_ascii_digit());
        let number = number.parse();
        Step::Item(number.map_err(|_| lexer.unexpected("an index, a name or *"))?)
    };
    if !lexer.take_char(']') {
        return Err(lexer.unexpected("]"));
    }
    Ok(step)
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Any(conditions) => conditions.iter().any(|one| one.holds(value)),
            Self::All(conditions) => conditions.iter().all(|one| one.holds(value)),
            Self::Test(selector, Test::Exists(wanted)) => selector.any(value, &|_| true) == *wanted,
            Self::Test(selector, test) => selector.any(value, &|found| match test {
                Test::Compare(operator, operand) => compare::json(found, *operator, operand),
                Test::IsNull => found.is_null(),
                Test::Is(wanted) => found.as_bool() == Some(*wanted),
                Test::Exists(_) => true,
            }),
        }
    }
}

impl Selector {
    /// Whether one of the selected values passes `test`.
    fn any(&self, value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
        any_of(&self.0, value, test)
    }
}

fn any_of(steps: &[Step], value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return test(value);
    };
    let next = |value: &Value| any_of(rest, value, test);
    match (step, value) {
        (Step::Member(name), _) => value.get(name).is_some_and(next),
        (Step::Item(index), _) => value.get(index).is_some_and(next),
        (Step::Every, Value::Array(items)) => items.iter().any(next),
        (Step::Every, Value::Object(members)) => members.values().any(next),
        (Step::Every, _) => false,
    }
}
