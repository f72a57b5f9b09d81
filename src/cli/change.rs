//! What putting the service file in force does, in words: for `plan`, `apply` and `up`.

use crate::cli::style::{Paint, Style};
use crate::cli::table::{Align, Cell, Table};
use crate::control::wire::{Effect, Field, PlanAction, PlanStep, Scaled};

/// What is said when there is nothing to do.
pub const NOTHING: &str = "nothing to do: the service file is in force as it is\n";

/// The same, of numbers of instances.
pub const AS_MANY: &str = "nothing to do: as many are there already\n";

/// Draws the steps as a table; nothing when there are none.
pub fn table(steps: &[PlanStep], style: Style, columns: Option<usize>) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    let action = |step: &PlanStep| {
        let (word, paint) = match step.action {
            PlanAction::Start => ("start", Paint::Good),
            PlanAction::Add => ("add", Paint::Good),
            PlanAction::Restart => ("restart", Paint::Busy),
            PlanAction::Update => ("update", Paint::Dim),
            PlanAction::Stop => ("stop", Paint::Bad),
        };
        Cell::painted(word, paint)
    };
    table.column("NAME", Align::Left, steps.iter().map(|step| Cell::plain(step.instance.clone())).collect());
    table.column("ACTION", Align::Left, steps.iter().map(action).collect());
    table.column("WHY", Align::Left, steps.iter().map(|step| Cell::plain(why(step))).collect());
    table.render(style, columns)
}

/// Says why a step is done.
fn why(step: &PlanStep) -> String {
    if let Some(other) = &step.because_of {
        return format!("cannot be without {other}, which restarts");
    }
    match step.action {
        PlanAction::Start | PlanAction::Add if !step.fields.is_empty() => "one instance more".to_owned(),
        PlanAction::Stop if !step.fields.is_empty() => "one instance less".to_owned(),
        PlanAction::Start => "new".to_owned(),
        PlanAction::Add => "new; not started unless it is named or needed".to_owned(),
        PlanAction::Stop => "not in the service file any more".to_owned(),
        PlanAction::Restart | PlanAction::Update => {
            let all: Vec<String> = step.fields.iter().map(|field| changed(field, step.action)).collect();
            format!("{} changed", all.join(", "))
        }
    }
}

fn changed(field: &Field, action: PlanAction) -> String {
    let name = &field.name;
    match (field.effect, action) {
        (Effect::Restart, _) => name.clone(),
        (Effect::Live, PlanAction::Update) => format!("{name} (in force at once)"),
        (Effect::Live, _) => name.clone(),
        (Effect::NextStart, PlanAction::Restart) => name.clone(),
        (Effect::NextStart, _) => format!("{name} (from the next start on)"),
    }
}

/// Says which services have another number of instances than the service file says.
pub fn scaled(all: &[Scaled]) -> String {
    let one = |scaled: &Scaled| {
        let Scaled { service, replicas, file } = scaled;
        format!("`{service}` is scaled to {replicas} by hand; the service file says {file}\n")
    };
    all.iter().map(one).collect()
}

/// Says in a line what is done: `1 to start, 2 to restart`.
pub fn summary(steps: &[PlanStep]) -> String {
    let words = [
        (PlanAction::Start, "to start"),
        (PlanAction::Add, "to add"),
        (PlanAction::Restart, "to restart"),
        (PlanAction::Update, "to update in place"),
        (PlanAction::Stop, "to stop"),
    ];
    let counted = words.iter().map(|(action, words)| {
        let count = steps.iter().filter(|step| step.action == *action).count();
        (count, format!("{count} {words}"))
    });
    let said: Vec<String> = counted.filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(
        instance: &str,
        action: PlanAction,
        fields: &[(&str, Effect)],
        because: Option<&str>,
    ) -> PlanStep {
        PlanStep {
            instance: instance.to_owned(),
            action,
            fields: fields.iter().map(|&(name, effect)| Field { name: name.to_owned(), effect }).collect(),
            because_of: because.map(str::to_owned),
        }
    }

    #[test]
    fn every_step_says_what_is_done_and_why() {
        let steps = [
            step("db", PlanAction::Update, &[("stop", Effect::Live), ("timeout", Effect::NextStart)], None),
            step("api", PlanAction::Restart, &[("env", Effect::Restart), ("restart", Effect::Live)], None),
            step("web", PlanAction::Restart, &[], Some("api")),
            step("cache", PlanAction::Start, &[], None),
            step("spare", PlanAction::Add, &[], None),
            step("old", PlanAction::Stop, &[], None),
        ];
        insta::assert_snapshot!(table(&steps, Style::PLAIN, None), @r"
        NAME   ACTION   WHY
        db     update   stop (in force at once), timeout (from the next start on) changed
        api    restart  env, restart changed
        web    restart  cannot be without api, which restarts
        cache  start    new
        spare  add      new; not started unless it is named or needed
        old    stop     not in the service file any more
        ");
        assert_eq!(summary(&steps), "1 to start, 1 to add, 2 to restart, 1 to update in place, 1 to stop");
    }
}
