//! Loops: which knots of nodes wait for each other, and the shortest way round in each.
//!
//! A knot is a strongly connected component. One loop a knot is reported, the shortest, because
//! that is the one a person can mend; often it unties the rest. Numbers in, numbers out: the words
//! are chosen where the names are known.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::graph::arrows::Arrows;

/// How many arrows are followed at most in search of the shortest loop of one knot, beyond a fixed
/// share of the knot's own arrows. Enough to be exact in knots of up to a thousand nodes; in larger
/// ones the loop is a short one, and the search stays linear.
const SEARCH_STEPS: u64 = 1_000_000;

/// A loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// Its arrows, as positions in the list, each starting where the one before it leads. The first
    /// starts at the lowest node of the loop.
    pub(crate) arrows: Vec<u32>,
    /// How many nodes the whole knot has, those of the loop included.
    pub(crate) knot: u32,
    /// Those of its arrows without which the whole knot is free of loops.
    pub(crate) untying: Vec<u32>,
}

/// Finds one loop in every knot, in the order of their lowest nodes. An arrow from a node to itself
/// is a loop of one.
pub(crate) fn find(nodes: usize, list: &[(u32, u32)]) -> Vec<Cycle> {
    search(nodes, list).0
}

/// [`find`], with the number of arrows it followed within knots.
fn search(nodes: usize, list: &[(u32, u32)]) -> (Vec<Cycle>, u64) {
    let (arrows, back) = (Arrows::new(nodes, list), Arrows::reversed(nodes, list));
    // Most graphs have no loop; they end here, before anything is built for the search.
    let forth_free = arrows.depths(&back);
    if forth_free.iter().all(Option::is_some) {
        return (Vec::new(), 0);
    }
    let back_free = back.depths(&arrows);
    let tied: Vec<u32> = (0..nodes as u32)
        .filter(|&node| forth_free[node as usize].is_none() && back_free[node as usize].is_none())
        .collect();
    let mut steps = 0;
    let mut cycles: Vec<(u32, Cycle)> = knots(&tied, &arrows, nodes)
        .into_iter()
        .filter_map(|knot| Knot::new(&knot, &arrows))
        .map(|knot| knot.cycle(list, &mut steps))
        .collect();
    cycles.sort_by_key(|&(lowest, _)| lowest);
    (cycles.into_iter().map(|(_, cycle)| cycle).collect(), steps)
}

/// Splits `tied` nodes into strongly connected components, each sorted.
///
/// Kosaraju's algorithm and not Tarjan's: petgraph's form of the latter recurses.
fn knots(tied: &[u32], arrows: &Arrows, nodes: usize) -> Vec<Vec<u32>> {
    let local = positions(tied, nodes);
    let mut graph = DiGraph::<u32, ()>::with_capacity(tied.len(), tied.len());
    for &node in tied {
        graph.add_node(node);
    }
    for &node in tied {
        for &(to, _) in arrows.of(node).iter().filter(|&&(to, _)| local[to as usize] != ABSENT) {
            let ends = (local[node as usize], local[to as usize]);
            graph.add_edge(NodeIndex::new(ends.0 as usize), NodeIndex::new(ends.1 as usize), ());
        }
    }
    let mut knots: Vec<Vec<u32>> =
        kosaraju_scc(&graph).into_iter().map(|knot| knot.into_iter().map(|at| graph[at]).collect()).collect();
    knots.iter_mut().for_each(|knot| knot.sort_unstable());
    knots
}

/// Stands for "not among them" in a table of positions.
const ABSENT: u32 = u32::MAX;

/// Returns a table from node to its position in `chosen`.
fn positions(chosen: &[u32], nodes: usize) -> Vec<u32> {
    let mut table = vec![ABSENT; nodes];
    for (position, &node) in chosen.iter().enumerate() {
        table[node as usize] = position as u32;
    }
    table
}

/// One strongly connected component, its nodes numbered from 0.
struct Knot {
    /// The arrows inside.
    inner: Vec<(u32, u32)>,
    /// For each of them its position in the whole list.
    origin: Vec<u32>,
    arrows: Arrows,
}

impl Knot {
    /// Cuts a component out of the whole; `None` for a single node that does not wait for itself.
    fn new(nodes: &[u32], whole: &Arrows) -> Option<Self> {
        let (mut inner, mut origin) = (Vec::new(), Vec::new());
        for (from, &node) in nodes.iter().enumerate() {
            for &(to, position) in whole.of(node) {
                if let Ok(to) = nodes.binary_search(&to) {
                    inner.push((from as u32, to as u32));
                    origin.push(position);
                }
            }
        }
        let arrows = Arrows::new(nodes.len(), &inner);
        (!inner.is_empty()).then_some(Self { inner, origin, arrows })
    }

    /// Finds the shortest loop; returns it with its lowest node.
    fn cycle(&self, list: &[(u32, u32)], steps: &mut u64) -> (u32, Cycle) {
        let limit = *steps + SEARCH_STEPS + 8 * self.inner.len() as u64;
        let mut shortest = self.shortest(limit, steps);
        let lowest =
            (0..shortest.len()).min_by_key(|&at| self.inner[shortest[at] as usize].0).unwrap_or_default();
        shortest.rotate_left(lowest);
        let untying = self.untying(&shortest, limit, steps);
        let outer = |arrows: Vec<u32>| arrows.into_iter().map(|at| self.origin[at as usize]).collect();
        let arrows: Vec<u32> = outer(shortest);
        let node = list[arrows[0] as usize].0;
        (node, Cycle { arrows, knot: self.arrows.nodes() as u32, untying: outer(untying) })
    }

    /// Searches from every node for loops of up to 2 arrows, then 4, 8 and so on; when `limit` steps
    /// do not suffice, takes the shortest loop through the first node.
    fn shortest(&self, limit: u64, steps: &mut u64) -> Vec<u32> {
        let nodes = self.arrows.nodes();
        let mut came_by = vec![ABSENT; nodes];
        let mut longest = 2;
        while longest < 2 * nodes && *steps < limit {
            let mut shortest: Option<Vec<u32>> = None;
            for start in 0..nodes as u32 {
                let below = shortest.as_ref().map_or(longest + 1, Vec::len);
                if below == 1 || *steps >= limit {
                    break;
                }
                shortest = self.loop_through(start, below, &mut came_by, steps).or(shortest);
            }
            if let Some(shortest) = shortest {
                return shortest;
            }
            longest *= 2;
        }
        let through_first = self.loop_through(0, usize::MAX, &mut came_by, steps);
        through_first.expect("in a strongly connected component a way leads from every node back to it")
    }

    /// Searches breadth first for a way from `start` back to it of fewer than `below` arrows.
    ///
    /// `came_by` is all [`ABSENT`] and is left so: the searches of a knot share it, since most of
    /// them end after a few steps.
    fn loop_through(
        &self,
        start: u32,
        below: usize,
        came_by: &mut [u32],
        steps: &mut u64,
    ) -> Option<Vec<u32>> {
        let mut seen = vec![start];
        let (mut layer, mut length) = (0, 1);
        let mut closing = None;
        while closing.is_none() && layer < seen.len() && length < below {
            for at in std::mem::replace(&mut layer, seen.len())..seen.len() {
                for &(to, arrow) in self.arrows.of(seen[at]) {
                    *steps += 1;
                    if to == start {
                        closing = closing.or(Some(arrow));
                    } else if came_by[to as usize] == ABSENT {
                        came_by[to as usize] = arrow;
                        seen.push(to);
                    }
                }
            }
            length += 1;
        }
        let way = closing.map(|last| self.way_back(start, last, came_by));
        seen.into_iter().for_each(|node| came_by[node as usize] = ABSENT);
        way
    }

    /// Follows a search back from its `last` arrow to `start`; returns the arrows in their direction.
    fn way_back(&self, start: u32, last: u32, came_by: &[u32]) -> Vec<u32> {
        let mut way = vec![last];
        let mut node = self.inner[last as usize].0;
        while node != start {
            let arrow = came_by[node as usize];
            way.push(arrow);
            node = self.inner[arrow as usize].0;
        }
        way.reverse();
        way
    }

    /// Returns those arrows of a loop without which the knot has no loop at all; none when finding
    /// out would take too long.
    fn untying(&self, cycle: &[u32], limit: u64, steps: &mut u64) -> Vec<u32> {
        if self.inner.len() == cycle.len() {
            return cycle.to_vec();
        }
        if *steps + (cycle.len() * self.inner.len()) as u64 > limit {
            return Vec::new();
        }
        *steps += (cycle.len() * self.inner.len()) as u64;
        let nodes = self.arrows.nodes();
        let unties = |without: u32| {
            let kept = self.inner.iter().enumerate().filter(|&(at, _)| at as u32 != without);
            let kept: Vec<(u32, u32)> = kept.map(|(_, &arrow)| arrow).collect();
            Arrows::new(nodes, &kept).depths(&Arrows::reversed(nodes, &kept)).iter().all(Option::is_some)
        };
        cycle.iter().copied().filter(|&arrow| unties(arrow)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ways(nodes: usize, list: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
        let found = find(nodes, list).into_iter();
        found.map(|cycle| cycle.arrows.iter().map(|&at| list[at as usize]).collect()).collect()
    }

    #[test]
    fn a_graph_without_a_loop_has_no_cycle() {
        assert_eq!(ways(4, &[(3, 1), (3, 2), (1, 0), (2, 0)]), Vec::<Vec<_>>::new());
    }

    #[test]
    fn the_shortest_loop_of_each_knot_is_reported_once() {
        // 0→1→2→3→0 with the chord 2→1, and a second knot 5⇄6 that waits for the first.
        let list = [(0, 1), (1, 2), (2, 3), (3, 0), (2, 1), (5, 6), (6, 5), (6, 0)];
        assert_eq!(ways(7, &list), [vec![(1, 2), (2, 1)], vec![(5, 6), (6, 5)]]);
    }

    #[test]
    fn an_arrow_that_unties_the_whole_knot_is_known() {
        // Both loops go through 1→2.
        let list = [(0, 1), (1, 2), (2, 3), (3, 0), (2, 1)];
        let found = find(4, &list);
        assert_eq!((found[0].knot, &found[0].untying), (4, &vec![1]));
    }

    #[test]
    fn a_node_that_waits_for_itself_is_a_loop_of_one() {
        assert_eq!(ways(2, &[(1, 0), (1, 1)]), [vec![(1, 1)]]);
    }

    #[test]
    fn searching_costs_no_more_than_the_graph_is_large() {
        let chain = |n: u32| (1..n).map(|node| (node, node - 1)).collect::<Vec<_>>();
        assert_eq!(search(100_000, &chain(100_000)), (Vec::new(), 0));

        let mut ring = chain(100_000);
        ring.push((0, 99_999));
        let (found, steps) = search(100_000, &ring);
        assert_eq!(found[0].arrows.len(), 100_000);
        assert!(steps < 20 * 100_000, "{steps} steps");

        let clique: Vec<_> =
            (0..300).flat_map(|a| (0..300).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
        let (found, steps) = search(300, &clique);
        assert_eq!((found.len(), found[0].arrows.len(), found[0].knot), (1, 2, 300));
        assert!(steps < 20 * clique.len() as u64, "{steps} steps");
    }

    #[test]
    fn a_large_knot_with_a_short_loop_is_searched_in_few_steps() {
        let mut ring: Vec<_> = (0..100_000).map(|node| (node, (node + 1) % 100_000)).collect();
        ring.push((70_000, 69_999));
        let (found, steps) = search(100_000, &ring);
        assert_eq!(found[0].arrows.len(), 2);
        assert_eq!(found[0].knot, 100_000);
        assert!(steps < 30 * 100_000, "{steps} steps");
    }

    #[test]
    fn many_small_knots_cost_as_much_as_their_sum() {
        let pairs: Vec<_> =
            (0..50_000).flat_map(|pair| [(2 * pair, 2 * pair + 1), (2 * pair + 1, 2 * pair)]).collect();
        let (found, steps) = search(100_000, &pairs);
        assert_eq!(found.len(), 50_000);
        assert!(steps < 20 * pairs.len() as u64, "{steps} steps");
    }

    proptest! {
        #[test]
        fn a_cycle_is_found_exactly_when_there_is_one_and_it_is_real_and_shortest(
            list in prop::collection::vec((0u32..9, 0u32..9), 0..22)
        ) {
            let found = find(9, &list);
            // The distance of every pair by Floyd and Warshall, written as naively as it can be.
            let mut far = [[99u32; 9]; 9];
            for &(from, to) in &list {
                far[from as usize][to as usize] = 1;
            }
            for via in 0..9 {
                for from in 0..9 {
                    for to in 0..9 {
                        far[from][to] = far[from][to].min(far[from][via] + far[via][to]);
                    }
                }
            }
            prop_assert_eq!(found.is_empty(), (0..9).all(|node| far[node][node] >= 99));
            let mut knots = std::collections::BTreeSet::new();
            for cycle in &found {
                let way: Vec<(u32, u32)> = cycle.arrows.iter().map(|&at| list[at as usize]).collect();
                for (at, arrow) in way.iter().enumerate() {
                    prop_assert_eq!(arrow.1, way[(at + 1) % way.len()].0, "a loop is closed");
                }
                let start = way[0].0 as usize;
                let knot: Vec<usize> = (0..9).filter(|&node| far[start][node] + far[node][start] < 99).collect();
                prop_assert_eq!(cycle.knot as usize, knot.len());
                let shortest = knot.iter().map(|&node| far[node][node]).min().expect("it has nodes");
                prop_assert_eq!(way.len() as u32, shortest);
                prop_assert!(knots.insert(knot), "one loop a knot");
            }
            let tied = (0..9).filter(|&node| far[node][node] < 99);
            let in_knots = knots.iter().map(Vec::len).sum::<usize>();
            prop_assert_eq!(tied.count(), in_knots, "no knot is left out");
        }
    }
}
