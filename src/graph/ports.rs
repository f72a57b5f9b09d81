//! Numbers for ports that the file leaves open: `port auto`.
//!
//! Each has a number that it would like best, made of its folder and its names, and takes the next one that is free. So a
//! project has the same numbers each time it is started, and a copy of it in another folder has others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// Which numbers are given: above those of well-known programs, and below those that Linux gives to connections that a
/// program opens (`net.ipv4.ip_local_port_range`, 32768 to 60999 unless it is set otherwise), so that no connection takes
/// the port of a service that is restarted.
pub(crate) const AUTO_PORTS: Range<u16> = 20_000..30_000;

/// A port whose number is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct AutoPort<'a> {
    /// The folder of the file that declares the service; absolute.
    pub folder: &'a Path,
    /// The instance.
    pub instance: &'a str,
    /// The port's name; empty for the one that is `PORT`.
    pub name: &'a str,
    /// Numbers that are given already.
    pub taken: &'a BTreeSet<u16>,
}

impl AutoPort<'_> {
    /// Returns the numbers it can have, the one it would like best first.
    pub fn numbers(&self) -> impl Iterator<Item = u16> {
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let first = fnv([folder, self.instance.as_bytes(), self.name.as_bytes()]) % u64::from(count());
        let after =
            (0..count()).map(move |step| ((first as u32 + u32::from(step)) % u32::from(count())) as u16);
        after.map(|place| AUTO_PORTS.start + place).filter(|number| !self.taken.contains(number))
    }
}

fn count() -> u16 {
    AUTO_PORTS.end - AUTO_PORTS.start
}

/// The hash FNV-1a of some texts, each with an end: it is the same on every machine and in every version.
fn fnv(texts: [&[u8]; 3]) -> u64 {
    let bytes = texts.into_iter().flat_map(|text| text.iter().copied().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(folder: &str, instance: &str, name: &str, taken: &[u16]) -> Option<u16> {
        let taken = taken.iter().copied().collect();
        AutoPort { folder: Path::new(folder), instance, name, taken: &taken }.numbers().next()
    }

    #[test]
    fn a_port_is_the_same_each_time_and_another_elsewhere() {
        let web = first("/srv/a", "web", "", &[]).expect("a number");
        assert_eq!(first("/srv/a", "web", "", &[]), Some(web));
        for other in [
            first("/srv/b", "web", "", &[]),
            first("/srv/a", "we", "b", &[]),
            first("/srv/a", "web", "x", &[]),
        ] {
            assert!(other.is_some_and(|other| other != web && AUTO_PORTS.contains(&other)), "{other:?}");
        }
    }

    #[test]
    fn what_is_taken_is_passed_over_until_nothing_is_left() {
        let all: Vec<u16> = AUTO_PORTS.collect();
        let web = first("/srv/a", "web", "", &[]).expect("a number");
        let next = if web + 1 == AUTO_PORTS.end { AUTO_PORTS.start } else { web + 1 };
        assert_eq!(first("/srv/a", "web", "", &[web]), Some(next));
        let others: Vec<u16> = all.iter().copied().filter(|number| *number != web - 1).collect();
        assert_eq!(first("/srv/a", "web", "", &others), Some(web - 1));
        assert_eq!(first("/srv/a", "web", "", &all), None);
    }
}
