//! Patterns for texts of fields: `[ip, user, ..., status = 4*, bytes > 1000]`.

use super::{
    PatternError,
    compare::{self, Operand, Operator},
    lexer::Lexer,
};

/// A pattern in brackets.
#[derive(Debug)]
pub(super) struct Fields {
    before: Vec<Field>,
    /// After `...`, which stands for any number of fields.
    after: Option<Vec<Field>>,
}

/// Comparisons of one field: one group holds in full. A field without any is there.
#[derive(Debug)]
struct Field(Vec<Vec<(Operator, Operand)>>);

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut lexer = Lexer::new(text);
        lexer.expect("[")?;
        let mut fields = Self {
            before: Vec::new(),
            after: None,
        };
        loop {
            if lexer.take("...") {
                if fields.after.replace(Vec::new()).is_some() {
                    let message = "a pattern has at most one `...`".to_owned();
                    return Err(PatternError(message));
                }
            } else {
                let field = field(&mut lexer)?;
                fields
                    .after
                    .as_mut()
                    .unwrap_or(&mut fields.before)
                    .push(field);
            }
            if lexer.take("]") {
                break;
            }
            lexer.expect(",")?;
        }
        if !lexer.is_at_end() {
            return Err(lexer.unexpected("the end"));
        }
        Ok(fields)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let words = split(message);
        let Some(after) = &self.after else {
            return words.len() == self.before.len() && all(&self.before, &words);
        };
        let Some(skipped) = words.len().checked_sub(after.len()) else {
            return false;
        };
        skipped >= self.before.len() && all(&self.before, &words) && all(after, &words[skipped..])
    }
}

fn all(fields: &[Field], words: &[&str]) -> bool {
    let mut pairs = fields.iter().zip(words);
    pairs.all(|(field, word)| {
        let holds =
            |(operator, operand): &(Operator, Operand)| compare::text(word, *operator, operand);
        field.0.is_empty() || field.0.iter().any(|group| group.iter().all(holds))
    })
}

fn field(lexer: &mut Lexer<'_>) -> Result<Field, PatternError> {
    let mut groups = vec![Vec::new()];
    loop {
        let name = lexer.take_while(|next| next.is_alphanumeric() || "_-".contains(next));
        if name.is_empty() {
            return Err(lexer.unexpected("a field's name"));
        }
        lexer.skip_space();
        if let Some(operator) = lexer.operator() {
            let operand = lexer.operand()?;
            if let Some(group) = groups.last_mut() {
                group.push((operator, operand));
            }
        }
        if lexer.take("||") {
            groups.push(Vec::new());
        } else if !lexer.take("&&") {
            break;
        }
    }
    groups.retain(|group| !group.is_empty());
    Ok(Field(groups))
}

/// The fields of a text: words, or what stands in quotation marks or brackets.
fn split(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => '"',
            '[' => ']',
            _ => ' ',
        };
        let quoted = (close != ' ')
            .then(|| rest[1..].split_once(close))
            .flatten();
        let (word, after) = match quoted {
            Some(parts) => parts,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}
