//! Who waits for whom, on numbers alone: the walks that every question about order is made of.
//!
//! A graph here is a number of nodes and a list of arrows `(waits, for)`. It knows no service. Each
//! walk keeps its own stack or queue: a chain of a hundred thousand services is an ordinary input.

/// A list of arrows, sorted so that those of one node lie side by side.
#[derive(Clone, Debug)]
pub(crate) struct Arrows {
    starts: Vec<u32>,
    /// Where each arrow leads, and its position in the list it was made from.
    heads: Vec<(u32, u32)>,
}

impl Arrows {
    /// Sorts `list` by where its arrows start; arrows of one node keep their order.
    pub(crate) fn new(nodes: usize, list: &[(u32, u32)]) -> Self {
        Self::sorted(nodes, list.iter().copied())
    }

    /// The same with every arrow turned round.
    pub(crate) fn reversed(nodes: usize, list: &[(u32, u32)]) -> Self {
        Self::sorted(nodes, list.iter().map(|&(from, to)| (to, from)))
    }

    fn sorted(nodes: usize, list: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0u32; nodes + 1];
        for (from, _) in list.clone() {
            starts[from as usize + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut heads = vec![(0, 0); starts[nodes] as usize];
        let mut next = starts.clone();
        for (position, (from, to)) in list.enumerate() {
            let place = &mut next[from as usize];
            heads[*place as usize] = (to, position as u32);
            *place += 1;
        }
        Self { starts, heads }
    }

    /// Returns how many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns where the arrows of `node` lead, each with its position in the list.
    pub(crate) fn of(&self, node: u32) -> &[(u32, u32)] {
        &self.heads[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// Returns for each node how many arrows the longest way from it has, or `None` where ways do not
    /// end because they run into a loop. `back` is the same list reversed.
    pub(crate) fn depths(&self, back: &Self) -> Vec<Option<u32>> {
        let nodes = self.nodes() as u32;
        let mut open: Vec<u32> = (0..nodes).map(|node| self.of(node).len() as u32).collect();
        let mut depth = vec![0; nodes as usize];
        let mut queue: Vec<u32> = (0..nodes).filter(|&node| open[node as usize] == 0).collect();
        let mut done = 0;
        while let Some(&node) = queue.get(done) {
            done += 1;
            for &(waiting, _) in back.of(node) {
                let waiting = waiting as usize;
                depth[waiting] = depth[waiting].max(depth[node as usize] + 1);
                open[waiting] -= 1;
                if open[waiting] == 0 {
                    queue.push(waiting as u32);
                }
            }
        }
        depth.into_iter().zip(open).map(|(depth, open)| (open == 0).then_some(depth)).collect()
    }

    /// Returns which nodes can be reached from `roots`, the roots included.
    pub(crate) fn reach(&self, roots: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut reached = vec![false; self.nodes()];
        let mut stack: Vec<u32> = roots.into_iter().collect();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut reached[node as usize], true) {
                stack.extend(self.of(node).iter().map(|&(to, _)| to).filter(|&to| !reached[to as usize]));
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIAMOND: &[(u32, u32)] = &[(3, 1), (3, 2), (1, 0), (2, 0), (3, 0)];

    #[test]
    fn arrows_of_a_node_keep_their_order_and_their_position() {
        let arrows = Arrows::new(4, DIAMOND);
        assert_eq!(arrows.of(3), [(1, 0), (2, 1), (0, 4)]);
        assert_eq!(arrows.of(0), []);
        assert_eq!(Arrows::reversed(4, DIAMOND).of(0), [(1, 2), (2, 3), (3, 4)]);
    }

    #[test]
    fn the_depth_is_the_longest_way() {
        let depths = Arrows::new(5, DIAMOND).depths(&Arrows::reversed(5, DIAMOND));
        assert_eq!(depths, [Some(0), Some(1), Some(1), Some(2), Some(0)]);
    }

    #[test]
    fn a_way_into_a_loop_has_no_depth() {
        let list = [(0, 1), (1, 2), (2, 1), (2, 3)];
        let depths = Arrows::new(4, &list).depths(&Arrows::reversed(4, &list));
        assert_eq!(depths, [None, None, None, Some(0)]);
    }

    #[test]
    fn reaching_includes_the_roots_and_stops_at_loops() {
        let list = [(0, 1), (1, 2), (2, 1), (3, 0)];
        assert_eq!(Arrows::new(4, &list).reach([0]), [true, true, true, false]);
    }
}
