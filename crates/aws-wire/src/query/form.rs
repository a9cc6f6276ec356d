//! The parameters of a request: `Entry.1.Id=a&Entry.2.Id=b` as a tree.

use std::collections::BTreeMap;

use crate::error::AwsError;

/// Most parameters of a request: the largest served one, `SendMessageBatch` with ten
/// attributes for each message, has fewer than 500.
const MAX_PARAMETERS: usize = 10_000;

/// Most parts of a parameter's name. The tree is as deep.
const MAX_PARTS: usize = 16;

/// A parameter and those below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    text: Option<String>,
    members: BTreeMap<String, Form>,
}

impl Form {
    /// Reads a form body or a query string. The last of several values of a name wins.
    ///
    /// # Errors
    ///
    /// `MalformedQueryString`: there are more than 10,000 parameters, or a name has more
    /// than 16 parts.
    ///
    /// ```
    /// use aws_wire::query::Form;
    ///
    /// let form = Form::parse(b"Action=SendMessageBatch&Entry.1.Id=first&Entry.2.Id=second").unwrap();
    /// assert_eq!(form.text_of("Action"), Some("SendMessageBatch"));
    /// let entries = form.member("Entry").unwrap().items();
    /// assert_eq!(entries[1].text_of("Id"), Some("second"));
    /// ```
    pub fn parse(parameters: &[u8]) -> Result<Self, AwsError> {
        let mut form = Self::default();
        form.add(parameters)?;
        Ok(form)
    }

    /// Adds the parameters of another body or query string.
    ///
    /// # Errors
    ///
    /// As [`Form::parse`].
    pub fn add(&mut self, parameters: &[u8]) -> Result<(), AwsError> {
        for (count, (name, value)) in form_urlencoded::parse(parameters).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(malformed(&format!(
                    "there are more than {MAX_PARAMETERS} parameters"
                )));
            }
            if name.split('.').count() > MAX_PARTS {
                return Err(malformed(&format!(
                    "a parameter's name has more than {MAX_PARTS} parts"
                )));
            }
            let mut form = &mut *self;
            for part in name.split('.') {
                form = form.members.entry(part.to_owned()).or_default();
            }
            form.text = Some(value.into_owned());
        }
        Ok(())
    }

    /// The value of this parameter.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The parameters below `name`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Form> {
        self.members.get(name)
    }

    /// The value of `name`.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.member(name)?.text()
    }

    /// The items of a list: members with numbers for names, in their order. A value without
    /// a number is a list of one, as AWS accepts `AttributeName=All`; an empty value is how
    /// SDKs write an empty list.
    #[must_use]
    pub fn items(&self) -> Vec<&Form> {
        let numbered = self.members.iter();
        let numbered = numbered.filter_map(|(name, form)| Some((name.parse().ok()?, form)));
        let mut items: Vec<(u64, &Form)> = numbered.collect();
        items.sort_by_key(|(number, _)| *number);
        match self.text() {
            Some(text) if items.is_empty() && !text.is_empty() => vec![self],
            _ => items.into_iter().map(|(_, form)| form).collect(),
        }
    }
}

/// "Common Errors": the query string contains a syntax error.
fn malformed(what: &str) -> AwsError {
    AwsError::client(
        "MalformedQueryString",
        format!("the parameters cannot be read: {what}"),
    )
}
