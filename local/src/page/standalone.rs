//! A page of its own in one file: the page's modules and styles in an HTML document, which
//! asks for nothing else.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use super::assets::text;

/// The document, with a marker where each part goes.
const DOCUMENT: &str = "report.html";

/// The module that shows the data, and the styles.
const ENTRY: &str = "report.js";
const STYLES: [&str; 2] = ["uPlot.min.css", "page.css"];

/// The beginning and the end of the name in an import.
const IMPORT: (&str, char) = ("from './", '\'');

/// A document that shows `data` with `report.js`.
///
/// # Errors
///
/// `data` cannot be written as JSON.
pub fn standalone(title: &str, data: &impl Serialize) -> serde_json::Result<String> {
    let data = serde_json::to_string(data)?;
    let styles = STYLES.map(text).concat();
    let document = text(DOCUMENT)
        .replacen("%TITLE%", &escaped(title), 1)
        .replacen("%STYLES%", &styles, 1)
        .replacen("%IMPORTS%", &import_map(), 1);
    // Last: nothing in the data is a marker. No text in a script may look like its end.
    Ok(document.replacen("%DATA%", &data.replace('<', "\\u003c"), 1))
}

/// The entry and every module that it needs, by name, as data URLs.
fn import_map() -> String {
    let mut modules = BTreeMap::new();
    let mut wanted = vec![ENTRY.to_owned()];
    while let Some(name) = wanted.pop() {
        if modules.contains_key(&name) {
            continue;
        }
        let source = text(&name);
        wanted.extend(imports(source));
        // A module with a data URL has no folder that a name could be relative to.
        let source = source.replace(IMPORT.0, "from '");
        modules.insert(name, BASE64_STANDARD.encode(source));
    }
    let mut map = String::from("{\"imports\":{");
    for (index, (name, module)) in modules.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to memory cannot fail.
        let _ = write!(
            map,
            "{comma}\n\"{name}\":\"data:text/javascript;base64,{module}\""
        );
    }
    map.push_str("}}");
    map
}

/// The modules that one imports.
fn imports(source: &str) -> impl Iterator<Item = String> {
    let rest = source.split(IMPORT.0).skip(1);
    rest.filter_map(|rest| Some(rest.split_once(IMPORT.1)?.0.to_owned()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
