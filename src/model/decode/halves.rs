//! The services of a long file are decoded in two halves at once.
//!
//! The second half is decoded by itself, as if nothing came before it. That is right as long as nothing at all is to be
//! said about it and nothing besides the file is asked for: what was said before and what was read before then make
//! no difference. Otherwise what was made of it is thrown away, and it is decoded again behind the first.

use std::cell::Cell;
use std::path::Path;
use std::thread;

use crate::diagnostic::{Diagnostics, Span};
use crate::model::decode::{Below, File, Maker, context, declared};
use crate::model::effective::Said;
use crate::model::node::env::EnvFiles;
use crate::model::service::{Model, Variable};
use crate::syntax::Node;

/// From how many nodes on decoding takes longer than starting a thread by so much that it is worth it.
const MANY: usize = 256;

/// Has `decode` add to `model` what `nodes` declare. Of many, the second half is left out when it could be decoded by
/// itself, which is tried when `alone` tells how: of which file it is, and what lies below its services.
pub(super) fn each<'n>(
    nodes: &[Node<'n>],
    alone: Option<(&File<'_>, Below<'_>)>,
    model: &mut Model,
    mut decode: impl FnMut(&[Node<'n>], &mut Model),
) {
    let Some((file, below)) = alone.filter(|_| nodes.len() >= MANY) else {
        return decode(nodes, model);
    };
    let (first, second) = nodes.split_at(nodes.len() / 2);
    let made = thread::scope(|scope| {
        let made = scope.spawn(|| by_itself(file, below, second));
        decode(first, model);
        made.join().expect("decoding never panics")
    });
    match made {
        Some(made) => model.services.extend(made.services),
        None => decode(second, model),
    }
}

/// Decodes nodes into a model of their own; `None` as soon as anything is to be said, or an env-file is to be read.
fn by_itself(file: &File<'_>, below: Below<'_>, nodes: &[Node<'_>]) -> Option<Model> {
    let mut out = Diagnostics::default();
    let asked = Cell::new(false);
    let mut model = Model::default();
    model.services.reserve(nodes.len());
    let mut maker = Maker { below, said: Said::default(), env_files: &mut Asked(&asked), kept: None };
    let mut cx = context(file, &mut out);
    for &node in nodes {
        if let Some(service) = declared(node, &mut cx) {
            model.services.push(Box::new(maker.make(service, &mut cx)));
        }
        if cx.has_findings() || asked.get() {
            return None;
        }
    }
    Some(model)
}

/// Env-files that are only asked for.
struct Asked<'a>(&'a Cell<bool>);

impl EnvFiles for Asked<'_> {
    fn read(&mut self, _: &Path, _: Span, _: bool) -> Vec<Variable> {
        self.0.set(true);
        Vec::new()
    }
}
