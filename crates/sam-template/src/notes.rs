//! What a template has that is understood and means something else here: listed once,
//! and never an error.

/// What some parts of a template mean here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The meaning, such as `permissions are not checked`.
    pub meaning: String,
    /// The parts: properties, events or resources.
    pub parts: Vec<String>,
}

/// Notes by their meaning, in the template's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// Adds a part with a meaning; a part is listed once.
    pub fn add(&mut self, meaning: &str, part: &str) {
        let position = self.0.iter().position(|note| note.meaning == meaning);
        let position = position.unwrap_or_else(|| {
            self.0.push(Note {
                meaning: meaning.to_owned(),
                parts: Vec::new(),
            });
            self.0.len() - 1
        });
        let parts = &mut self.0[position].parts;
        if !parts.iter().any(|one| one == part) {
            parts.push(part.to_owned());
        }
    }

    /// One line for each meaning.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|note| format!("{}: {}", note.parts.join(", "), note.meaning))
    }
}
