//! The tables: `nodes!`, what it makes, and the description it leaves behind.

use crate::diagnostic::{Span, Spanned};
use crate::schema::{Context, Form, FromValue, WrittenNode};
use crate::syntax::Node;

/// The description of a node: what may stand in it.
#[derive(Debug)]
pub struct Spec {
    /// What it is for.
    pub doc: &'static str,
    /// One row for each argument, property and child.
    pub rows: &'static [Row],
}

/// One row: an argument, a property or a child of a node.
#[derive(Debug)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Its name; of an argument, what it is called in docs.
    pub name: &'static str,
    /// Its type, in the words of a person.
    pub ty: &'static str,
    /// What its values are made of.
    pub form: Form,
    /// The words it can be, when it can be nothing else.
    pub words: &'static [&'static str],
    /// What holds when it is not written; empty when that needs no words.
    pub default: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// What a change of it does to a service that runs; `None` for the same as its node's, and where
    /// there is no service to speak of.
    pub effect: Option<Effect>,
    /// The description of a child.
    pub node: Option<&'static Spec>,
}

impl Row {
    /// The first version of all.
    pub const FIRST: &'static str = "0.1";

    /// Makes a row that has no default, is as old as svc and takes effect as its node does.
    pub const fn new(kind: RowKind, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        let (form, words) = (Form::Any, &[] as &[&str]);
        Self { kind, name, ty, form, words, default: "", doc, since: Self::FIRST, effect: None, node: None }
    }

    /// Sets what values are made of, and the words they can be.
    pub const fn valued(mut self, form: Form, words: &'static [&'static str]) -> Self {
        self.form = form;
        self.words = words;
        self
    }

    /// Sets the description of a child.
    pub const fn described(mut self, node: &'static Spec) -> Self {
        self.node = Some(node);
        self
    }
}

/// What a change of an option does to a service that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It holds at once; the process goes on.
    Live,
    /// The process goes on as it is; the next one is started with it.
    NextStart,
    /// The process is replaced.
    Restart,
}

impl Effect {
    /// Returns the word for it in the docs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NextStart => "next start",
            Self::Restart => "restart",
        }
    }
}

/// What a row describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// One argument.
    Argument,
    /// Any number of arguments.
    Arguments,
    /// A property.
    Property,
    /// Properties with names the user chooses.
    AnyProperty,
    /// A child, at most once.
    Child,
    /// A child, any number of times.
    Children,
    /// Children with names the user chooses.
    AnyChild,
}

/// What a node can be turned into. Mistakes are said, and what is right is kept.
pub trait FromNode: Sized {
    /// What may stand in the node.
    const SPEC: &'static Spec;

    /// Whether it is laid over others of its kind, so that `(reset)` means something inside.
    const LAYERED: bool = false;

    /// Decodes a node. Its type annotation is its parent's to judge.
    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self;

    /// Lays the nodes of a repeatable row over those of the layer below. Where the row says nothing else, they
    /// come after them.
    fn lay(over: &mut Vec<Self>, under: &[Self])
    where
        Self: Clone,
    {
        over.splice(0..0, under.iter().cloned());
    }

    /// Returns where it is written: the node without its block.
    fn span(&self) -> Span;

    /// Writes down what was decoded: a node that is decoded to the same.
    fn write(&self, node: &mut WrittenNode);
}

/// A node that most do without is kept in a box.
impl<T: FromNode> FromNode for Box<T> {
    const SPEC: &'static Spec = T::SPEC;
    const LAYERED: bool = T::LAYERED;

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        Self::new(T::from_node(node, cx))
    }

    fn span(&self) -> Span {
        (**self).span()
    }

    fn write(&self, node: &mut WrittenNode) {
        (**self).write(node);
    }
}

/// A node with one argument and nothing else. A type whose values have a default for the bare node
/// (see [`FromValue::BARE`]) may stand without.
#[derive(Clone, Debug)]
pub struct One<T> {
    /// Where it is written.
    pub span: Span,
    /// The argument; `None` after a mistake.
    pub value: Option<Spanned<T>>,
}

impl<T: FromValue> FromNode for One<T> {
    const SPEC: &'static Spec = &Spec {
        doc: "",
        rows: &[Row::new(RowKind::Argument, "value", T::TYPE, "").valued(T::FORM, T::WORDS)],
    };

    fn from_node(node: Node<'_>, cx: &mut Context<'_>) -> Self {
        let span = node.head_span();
        let mut value = None;
        let mut seen = false;
        for entry in node.entries() {
            match entry.key() {
                Some((key, span)) => cx.unknown_property(node, key, span, Self::SPEC),
                None if seen => cx.surplus(node, entry, Self::SPEC),
                None => {
                    seen = true;
                    value = T::read(entry, cx);
                }
            }
        }
        if !seen {
            match T::BARE {
                Some(bare) => value = Some(Spanned::new(bare(), span)),
                None => cx.missing(node, T::TYPE, &format!("write `{} …`", node.name())),
            }
        }
        cx.no_block(node);
        Self { span, value }
    }

    fn span(&self) -> Span {
        self.span
    }

    fn write(&self, node: &mut WrittenNode) {
        self.value.iter().for_each(|value| node.argument(value));
    }
}

/// Makes structs, their decoding and their description of tables. A row is
/// `kind field "name": Type = "default";` below its documentation; the kinds are `arg` (one argument),
/// `args` (any number), `prop`, `child` and `many` (a child any number of times). Behind the default may
/// stand `=> Live`, `=> NextStart` or `=> Restart`, the [`Effect`], and `since "0.2"`.
///
/// `Name: layered { … }` makes a node that is laid over others of its kind: what it says itself wins, a `child`
/// as a whole, the nodes of a `many` row as their type says ([`FromNode::lay`]), and `(reset)name` keeps out
/// what would be inherited.
macro_rules! nodes {
    ($(
        $(#[doc = $doc:literal])*
        $node:ident $(: $layered:ident)? {
            $( $(#[doc = $row_doc:literal])* $kind:ident $field:ident $name:literal : $ty:ty = $default:literal
                $(=> $effect:ident)? $(since $since:literal)?; )*
        }
    )*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $node {
            /// Where it is written: the node without its block.
            pub span: $crate::diagnostic::Span,
            /// Whether something in it is wrong and has been said, so that what seems to be missing may
            /// only not have been understood.
            pub mistaken: bool,
            /// The rows that inherit nothing from the layers below: `(reset)name`.
            pub resets: Vec<$crate::diagnostic::Spanned<&'static str>>,
            $( $(#[doc = $row_doc])* pub $field: $crate::schema::table::field!($kind $ty), )*
        }

        impl $crate::schema::FromNode for $node {
            const SPEC: &'static $crate::schema::Spec = &$crate::schema::Spec {
                doc: concat!($($doc),*),
                rows: &[ $( $crate::schema::Row {
                    default: $default,
                    $( effect: Some($crate::schema::Effect::$effect), )?
                    $( since: $since, )?
                    ..$crate::schema::table::row!($kind $name $ty, concat!($($row_doc),*))
                }, )* ],
            };

            $( const LAYERED: bool = $crate::schema::table::is!($layered); )?

            fn from_node(node: $crate::syntax::Node<'_>, cx: &mut $crate::schema::Context<'_>) -> Self {
                let mut this = Self { span: node.head_span(), ..Self::default() };
                let before = cx.mistakes();
                let mut arguments = 0_usize;
                for entry in node.entries() {
                    match entry.key() {
                        None => {
                            arguments += 1;
                            $( $crate::schema::table::on_argument!($kind $ty, this.$field, arguments, entry, cx); )*
                            cx.surplus(node, entry, Self::SPEC);
                        }
                        Some((key, span)) => {
                            $( $crate::schema::table::on_property!($kind $ty, this.$field, $name, key, entry, cx); )*
                            cx.unknown_property(node, key, span, Self::SPEC);
                        }
                    }
                }
                for child in node.children() {
                    let written = child.name();
                    $( $crate::schema::table::on_child!($kind $ty, this.$field, $name, written, child, this.resets, cx); )*
                    let known = Self::SPEC.rows.iter().filter(|row| row.node.is_some()).map(|row| row.name);
                    let _ = written;
                    cx.unknown_node(child, node.name(), known.collect());
                }
                $( $crate::schema::table::at_end!($kind $ty, arguments, node, cx); )*
                let _ = arguments;
                this.mistaken = cx.mistakes() > before;
                this
            }

            fn span(&self) -> $crate::diagnostic::Span {
                self.span
            }

            fn write(&self, node: &mut $crate::schema::WrittenNode) {
                $( $crate::schema::table::write!($kind self.$field, $name, node); )*
            }
        }

        impl $node {
            /// Takes what it does not say itself from the layer below.
            pub fn inherit(&mut self, under: &Self) {
                self.mistaken |= under.mistaken;
                $( $crate::schema::table::inherit!($kind $ty, self.$field, under.$field, $name, self.resets); )*
                for reset in &under.resets {
                    if !self.resets.iter().any(|known| known.value == reset.value) {
                        self.resets.push(*reset);
                    }
                }
            }
        }
    )* };
}

macro_rules! is {
    (layered) => {
        true
    };
}

macro_rules! inherit {
    (args $ty:ty, $over:expr, $under:expr, $name:literal, $resets:expr) => {
        if $over.is_empty() {
            $over.clone_from(&$under);
        }
    };
    (many $ty:ty, $over:expr, $under:expr, $name:literal, $resets:expr) => {
        if !$under.is_empty() && !$resets.iter().any(|reset| reset.value == $name) {
            <$ty as $crate::schema::FromNode>::lay(&mut $over, &$under);
        }
    };
    ($kind:ident $ty:ty, $over:expr, $under:expr, $name:literal, $resets:expr) => {
        if $over.is_none() && $under.is_some() && !$resets.iter().any(|reset| reset.value == $name) {
            $over.clone_from(&$under);
        }
    };
}

macro_rules! write {
    (arg $field:expr, $name:literal, $node:expr) => {
        $field.iter().for_each(|value| $node.argument(value));
    };
    (args $field:expr, $name:literal, $node:expr) => {
        $field.iter().for_each(|value| $node.argument(value));
    };
    (prop $field:expr, $name:literal, $node:expr) => {
        $field.iter().for_each(|value| $node.property($name, value));
    };
    ($kind:ident $field:expr, $name:literal, $node:expr) => {
        $field.iter().for_each(|child| $node.child($name, child));
    };
}

macro_rules! field {
    (arg $ty:ty) => { Option<$crate::diagnostic::Spanned<$ty>> };
    (args $ty:ty) => { Vec<$crate::diagnostic::Spanned<$ty>> };
    (prop $ty:ty) => { Option<$crate::diagnostic::Spanned<$ty>> };
    (child $ty:ty) => { Option<$ty> };
    (many $ty:ty) => { Vec<$ty> };
}

macro_rules! row {
    (arg $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::table::value_row!(Argument $name $ty, $doc)
    };
    (args $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::table::value_row!(Arguments $name $ty, $doc)
    };
    (prop $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::table::value_row!(Property $name $ty, $doc)
    };
    (child $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::table::node_row!(Child $name $ty, $doc)
    };
    (many $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::table::node_row!(Children $name $ty, $doc)
    };
}

macro_rules! value_row {
    ($kind:ident $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::Row::new(
            $crate::schema::RowKind::$kind,
            $name,
            <$ty as $crate::schema::FromValue>::TYPE,
            $doc,
        )
        .valued(<$ty as $crate::schema::FromValue>::FORM, <$ty as $crate::schema::FromValue>::WORDS)
    };
}

macro_rules! node_row {
    ($kind:ident $name:literal $ty:ty, $doc:expr) => {
        $crate::schema::Row::new($crate::schema::RowKind::$kind, $name, "", $doc)
            .described(<$ty as $crate::schema::FromNode>::SPEC)
    };
}

macro_rules! on_argument {
    (arg $ty:ty, $field:expr, $count:expr, $entry:expr, $cx:expr) => {
        if $count == 1 {
            $field = <$ty as $crate::schema::FromValue>::read($entry, $cx);
            continue;
        }
    };
    (args $ty:ty, $field:expr, $count:expr, $entry:expr, $cx:expr) => {
        // Always so; the compiler need not know, since what follows is for nodes without such a row.
        if $count > 0 {
            $field.extend(<$ty as $crate::schema::FromValue>::read($entry, $cx));
            continue;
        }
    };
    ($kind:ident $ty:ty, $field:expr, $count:expr, $entry:expr, $cx:expr) => {};
}

macro_rules! at_end {
    (args $ty:ty, $count:expr, $node:expr, $cx:expr) => {
        if $count == 0 {
            $cx.missing_list($node, <$ty as $crate::schema::FromValue>::TYPE);
        }
    };
    ($kind:ident $ty:ty, $count:expr, $node:expr, $cx:expr) => {};
}

macro_rules! on_property {
    (prop $ty:ty, $field:expr, $name:literal, $key:expr, $entry:expr, $cx:expr) => {
        if $key == $name {
            if let Some(first) = &$field {
                $cx.twice(
                    "svc::duplicate-property",
                    concat!("the property `", $name, "`"),
                    first.span,
                    $entry.span(),
                );
            } else {
                $field = <$ty as $crate::schema::FromValue>::read($entry, $cx);
            }
            continue;
        }
    };
    ($kind:ident $ty:ty, $field:expr, $name:literal, $key:expr, $entry:expr, $cx:expr) => {};
}

macro_rules! on_child {
    (child $ty:ty, $field:expr, $expected:literal, $written:expr, $child:expr, $resets:expr, $cx:expr) => {
        if $written == $expected {
            let first = $field.as_ref().map($crate::schema::FromNode::span);
            let first = first.or_else(|| $crate::schema::table::reset_of(&$resets, $expected));
            let reset = $cx.is_reset($child, Self::LAYERED);
            if reset {
                $cx.bare_reset($child);
                $resets.push($crate::diagnostic::Spanned::new($expected, $child.head_span()));
            }
            let read = (!reset).then(|| <$ty as $crate::schema::FromNode>::from_node($child, $cx));
            match first {
                Some(first) => {
                    $cx.twice("svc::repeated-node", concat!("`", $expected, "`"), first, $child.head_span());
                }
                None => $field = read,
            }
            continue;
        }
    };
    (many $ty:ty, $field:expr, $expected:literal, $written:expr, $child:expr, $resets:expr, $cx:expr) => {
        if $written == $expected {
            let reset = $cx.is_reset($child, Self::LAYERED);
            if reset {
                $resets.push($crate::diagnostic::Spanned::new($expected, $child.head_span()));
            }
            if !reset || $child.entries().len() > 0 || $child.block_span().is_some() {
                $field.push(<$ty as $crate::schema::FromNode>::from_node($child, $cx));
            }
            continue;
        }
    };
    ($kind:ident $ty:ty, $field:expr, $expected:literal, $written:expr, $child:expr, $resets:expr, $cx:expr) => {};
}

/// Returns where a row is reset.
pub(crate) fn reset_of(resets: &[Spanned<&'static str>], name: &str) -> Option<Span> {
    resets.iter().find(|reset| reset.value == name).map(|reset| reset.span)
}

pub(crate) use {
    at_end, field, inherit, is, node_row, nodes, on_argument, on_child, on_property, row, value_row, write,
};

#[cfg(test)]
#[expect(unreachable_pub, reason = "`nodes!` makes public structs, and a test module is private")]
mod tests {
    use super::*;

    nodes! {
        /// A node.
        Sample {
            /// A plain row.
            prop plain "plain": bool = "#true";
            /// A row that says all it can.
            prop full "full": u32 = "7" => NextStart since "9.9";
        }
    }

    #[test]
    fn a_row_says_since_when_there_is_it_and_what_a_change_does() {
        let [plain, full] = Sample::SPEC.rows else { panic!("{:?}", Sample::SPEC) };
        assert_eq!((plain.default, plain.since, plain.effect), ("#true", Row::FIRST, None));
        assert_eq!((full.default, full.since, full.effect), ("7", "9.9", Some(Effect::NextStart)));
    }

    fn at<T>(value: T) -> Option<Spanned<T>> {
        Some(Spanned::new(value, Span::default()))
    }

    #[test]
    fn a_layer_takes_from_below_what_it_neither_says_nor_resets() {
        let under = Sample { plain: at(false), full: at(7), ..Sample::default() };
        let mut own = Sample { full: at(9), ..Sample::default() };
        own.inherit(&under);
        assert_eq!((own.plain.map(|v| v.value), own.full.map(|v| v.value)), (Some(false), Some(9)));
        let mut reset = Sample { resets: vec![Spanned::new("plain", Span::default())], ..Sample::default() };
        reset.inherit(&under);
        assert_eq!((reset.plain.map(|v| v.value), reset.full.map(|v| v.value)), (None, Some(7)));
        let mut above = Sample::default();
        above.inherit(&reset);
        above.inherit(&under);
        assert_eq!(above.plain.map(|v| v.value), None, "what a layer below resets stays out");
    }
}
