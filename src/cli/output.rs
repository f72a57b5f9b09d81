//! The forms in which a verb prints its data: which there are and which one is meant.

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};

/// Returns the form to print in: the verb's own `-o`, else the one given before the verb or by `SVC_OUTPUT`,
/// else the verb's default.
///
/// # Errors
///
/// The form given before the verb is none of this verb's.
pub fn choose<F: ValueEnum + Default>(context: &Context, own: Option<F>) -> Result<F, Trouble> {
    match (own, &context.output) {
        (Some(form), _) => Ok(form),
        (None, None) => Ok(F::default()),
        (None, Some(word)) => F::from_str(word, false).map_err(|_| {
            let known: Vec<String> = F::value_variants()
                .iter()
                .filter_map(|form| form.to_possible_value())
                .map(|value| format!("`{}`", value.get_name()))
                .collect();
            Trouble::new(Exit::Usage, format!("this verb cannot print as `{word}`"))
                .help(format!("it can as {}", known.join(", ")))
        }),
    }
}

/// Turns an answer into one line of JSON.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("answers hold only what JSON can hold") + "\n"
}
