//! The plan for a person: the order of starting or stopping, one wave under another.

use crate::graph::order::Order;
use crate::graph::plan::{Link, Plan, Relation, ServiceId};
use crate::graph::print::{title, words};
use crate::model::policy::Kind;

/// How the tree is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// With ASCII characters alone.
    pub ascii: bool,
    /// How many columns there are; `None` to never break a line.
    pub width: Option<usize>,
}

/// Which order is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What starts before what.
    Start,
    /// What stops before what.
    Stop,
}

/// The longest name that the columns make room for; a longer one pushes its own line to the right.
const WIDEST: usize = 28;

/// The narrowest column that conditions are broken in.
const NARROWEST: usize = 24;

/// How many services of the longest chain are named.
const CHAIN_SHOWN: usize = 12;

/// Prints the order in which the services of `plan` start or stop: a line a service, with what it
/// waits for, grouped in waves that start (or stop) together.
pub fn tree(plan: &Plan, direction: Direction, style: Style) -> String {
    let order = Order::of(plan);
    let waves = match direction {
        Direction::Start => order.start_waves(),
        Direction::Stop => order.stop_waves(),
    };
    let left_out = order.left_out();
    let titles = |ids: &[ServiceId]| -> usize {
        let widths = ids.iter().map(|&id| length(&title(plan.service(id), '×')));
        widths.filter(|&width| width <= WIDEST).max().unwrap_or_default()
    };
    let name_width = waves.iter().chain([&left_out]).map(|wave| titles(wave)).max().unwrap_or_default();
    let number_width = waves.len().to_string().len();
    let tasks = plan.services.iter().any(|service| service.kind == Kind::Task);
    let mut page =
        Page { plan, order: &order, direction, style, name_width, number_width, tasks, out: String::new() };
    page.heading(waves.len());
    for (number, wave) in waves.iter().enumerate() {
        page.wave(&(number + 1).to_string(), wave);
    }
    if !left_out.is_empty() {
        page.line("");
        let inactive = left_out.iter().filter(|&&id| plan.service(id).inactive).count();
        page.line(match inactive {
            0 => "not started, because disabled:",
            all if all == left_out.len() => "not started, because in no active profile:",
            _ => "not started, because disabled or in no active profile:",
        });
        page.wave("", &left_out);
    }
    page.chain();
    page.out
}

/// What is drawn, and what is drawn so far.
struct Page<'a> {
    plan: &'a Plan,
    order: &'a Order,
    direction: Direction,
    style: Style,
    name_width: usize,
    number_width: usize,
    tasks: bool,
    out: String,
}

/// One of the things a service waits for.
#[derive(Default)]
struct Part {
    before: &'static str,
    name: String,
    behind: String,
}

/// Escape sequences of a terminal.
#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Cyan,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => 1,
            Paint::Dim => 2,
            Paint::Cyan => 36,
        };
        if self.style.color && !text.trim().is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn times(&self) -> char {
        if self.style.ascii { 'x' } else { '×' }
    }

    fn name(&self, id: ServiceId) -> &str {
        self.plan.service(id).name.as_str()
    }

    /// `shop: 6 services and 2 tasks, started in 4 waves`
    fn heading(&mut self, waves: usize) {
        let kinds = inventory(self.plan);
        let verb = match self.direction {
            Direction::Start => "started",
            Direction::Stop => "stopped",
        };
        let project = self.paint(Paint::Bold, &self.plan.project);
        match waves {
            0 => self.line(&format!("{project}: {kinds}")),
            waves => self.line(&format!("{project}: {kinds}, {verb} in {}", counted(waves, "wave"))),
        }
        if waves > 0 {
            self.line("");
        }
    }

    /// One wave: a branch for each of its services.
    fn wave(&mut self, number: &str, wave: &[ServiceId]) {
        for (at, &id) in wave.iter().enumerate() {
            let branch = match (at == 0, at + 1 == wave.len(), self.style.ascii) {
                (true, true, false) => "──",
                (true, false, false) => "┬─",
                (false, false, false) => "├─",
                (false, true, false) => "└─",
                (true, true, true) => "--",
                (true, false, true) => "+-",
                (false, false, true) => "|-",
                (false, true, true) => "`-",
            };
            let number = if at == 0 { number } else { "" };
            self.service(number, branch, id);
        }
    }

    fn service(&mut self, number: &str, branch: &str, id: ServiceId) {
        let service = self.plan.service(id);
        let title = title(service, self.times());
        let kind = match service.kind {
            Kind::Service => "",
            Kind::Task => "task",
        };
        let gutter = format!(" {number:>width$} ", width = self.number_width);
        let padding = " ".repeat(self.name_width.saturating_sub(length(&title)));
        let mut head = format!(
            "{}{} {}{padding}",
            self.paint(Paint::Dim, &gutter),
            self.paint(Paint::Dim, branch),
            self.paint(Paint::Bold, &title)
        );
        let mut column = length(&gutter) + 3 + self.name_width.max(length(&title));
        if self.tasks {
            head.push_str(&format!("  {}", self.paint(Paint::Cyan, &format!("{kind:<4}"))));
            column += 6;
        }
        let parts = self.parts(id);
        if parts.is_empty() {
            return self.line(&head);
        }
        let arrow = match (self.direction, self.style.ascii) {
            (_, true) => "<-",
            (_, false) => "←",
        };
        let last = number.is_empty() && matches!(branch, "└─" | "`-") || matches!(branch, "──" | "--");
        let bar = match (last, self.style.ascii) {
            (true, _) => " ",
            (false, true) => "|",
            (false, false) => "│",
        };
        let indent = length(&gutter);
        let column = column + 2 + length(arrow) + 1;
        let room = self.style.width.map(|width| width.saturating_sub(column).max(NARROWEST));
        let gap = " ".repeat(column - indent - 1);
        for (at, text) in broken(&parts, room).into_iter().enumerate() {
            let text = self.conditions(text);
            if at == 0 {
                self.line(&format!("{head}  {} {text}", self.paint(Paint::Dim, arrow)));
            } else {
                self.line(&format!("{}{}{gap}{text}", " ".repeat(indent), self.paint(Paint::Dim, bar)));
            }
        }
    }

    /// What a service waits for in this direction.
    fn parts(&self, id: ServiceId) -> Vec<Part> {
        match self.direction {
            Direction::Start => self.order.waits_for(id).map(|link| self.condition(link)).collect(),
            Direction::Stop => {
                let mut names: Vec<ServiceId> =
                    self.order.awaited_by(id).map(|link| link.dependent).collect();
                names.retain(|&id| self.order.stop_wave(id).is_some());
                names.dedup();
                names
                    .into_iter()
                    .map(|id| Part { name: self.name(id).to_owned(), ..Part::default() })
                    .collect()
            }
        }
    }

    /// `db` with ` healthy (not required)`, or `after ` with `db`.
    fn condition(&self, link: &Link) -> Part {
        let (word, mut remarks) = words(self.plan, link);
        if self.order.start_wave(link.dependency).is_none() && self.order.start_wave(link.dependent).is_some()
        {
            remarks.push("disabled".to_owned());
        }
        let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
        let name = self.name(link.dependency).to_owned();
        match link.relation {
            Relation::DependsOn { .. } => Part { before: "", name, behind: format!(" {word}{remarks}") },
            Relation::Order => Part { before: "after ", name, behind: remarks },
        }
    }

    fn conditions(&self, parts: &[Part]) -> String {
        let mut text = String::new();
        for (at, part) in parts.iter().enumerate() {
            text.push_str(&self.paint(Paint::Dim, part.before));
            text.push_str(&part.name);
            text.push_str(&self.paint(Paint::Dim, &part.behind));
            text.push_str(if at + 1 < parts.len() { ", " } else { "" });
        }
        text
    }

    /// `longest chain (4): db → migrate → api → web`
    fn chain(&mut self) {
        let chain = self.order.longest_chain();
        if self.direction == Direction::Stop || chain.len() < 3 {
            return;
        }
        let arrow = if self.style.ascii { " -> " } else { " → " };
        let mut names: Vec<String> = chain.iter().map(|&id| self.name(id).to_owned()).collect();
        if names.len() > CHAIN_SHOWN {
            let hidden = names.len() - CHAIN_SHOWN;
            names.splice(CHAIN_SHOWN / 2..CHAIN_SHOWN / 2 + hidden, [format!("({hidden} more)")]);
        }
        self.line("");
        self.line(&format!("longest chain ({}): {}", chain.len(), names.join(arrow)));
    }
}

/// Breaks parts into lines of at most `room` columns, at least one part a line.
fn broken(parts: &[Part], room: Option<usize>) -> Vec<&[Part]> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, part) in parts.iter().enumerate() {
        let needed = length(part.before) + length(&part.name) + length(&part.behind) + 2;
        if at > start && room.is_some_and(|room| used + needed > room + 1) {
            lines.push(&parts[start..at]);
            (start, used) = (at, 0);
        }
        used += needed;
    }
    lines.push(&parts[start..]);
    lines
}

/// Says how many services and tasks there are: `6 services and 2 tasks`.
pub fn inventory(plan: &Plan) -> String {
    let of = |kind| plan.services.iter().filter(|service| service.kind == kind).count();
    match (of(Kind::Service), of(Kind::Task)) {
        (services, 0) => counted(services, "service"),
        (0, tasks) => counted(tasks, "task"),
        (services, tasks) => format!("{} and {}", counted(services, "service"), counted(tasks, "task")),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Names are ASCII and the few other characters here are one column wide.
fn length(text: &str) -> usize {
    text.chars().count()
}
