//! What the trace of some bytes takes over from that of the base they were made from.

use std::iter::Peekable;
use std::vec;

use super::{Crowd, Crowded, Run, Sighted, Trace};
use crate::detect::Detector;
use crate::detect::prefilter::Sighting;
use crate::detect::standing::{Memory, NARROW, Reach};

/// A trace in the making.
pub(super) struct Heritage<'a> {
    detector: &'a Detector,
    bytes: &'a [u8],
    /// What does not lie wholly inside one run, ascending.
    fresh: Peekable<vec::IntoIter<Sighting>>,
    pub(super) sightings: Vec<Sighted>,
    crowd: Crowd,
    memory: Memory,
}

impl<'a> Heritage<'a> {
    pub(super) fn new(detector: &'a Detector, bytes: &'a [u8], fresh: Vec<Sighting>) -> Self {
        let fresh = fresh.into_iter().peekable();
        let (crowd, memory) = (Crowd::in_bytes(bytes.len()), Memory::default());
        Self { detector, bytes, fresh, sightings: Vec::new(), crowd, memory }
    }

    /// Adds, in ascending order, what is fresh, and the sightings of the base that lie wholly inside a run: with their standing
    /// where the window that decided it came with them.
    pub(super) fn take_over(&mut self, base: &Trace, runs: &[Run]) -> Result<(), Crowded> {
        self.sightings.reserve(base.sightings.len() + self.fresh.len());
        // The first sighting of the base from where the last run ended. Most runs go on from there.
        let mut next = 0;
        for run in runs {
            next = first_of(run, &base.sightings, next);
            next += self.take_run(base.sightings.get(next..).unwrap_or_default(), base.length, run)?;
        }
        while let Some(fresh) = self.fresh.next() {
            self.look(fresh)?;
        }
        Ok(())
    }

    /// Takes over what stands inside a run, given the sightings of the base from its start on. Gives how many of them it passed.
    fn take_run(&mut self, heirs: &[Sighted], base_length: usize, run: &Run) -> Result<usize, Crowded> {
        let begins_alike = run.to == 0 && run.from == 0;
        let ends_alike = run.to + run.length == self.bytes.len() && run.from + run.length == base_length;
        // What stands between these has its window inside the run, whatever it is.
        let widest = self.detector.widest;
        let least = if begins_alike { 0 } else { run.from + widest.before };
        let most = if ends_alike { base_length } else { (run.from + run.length).saturating_sub(widest.after) };
        let mut passed = 0;
        while let Some(heir) = heirs.get(passed) {
            let start = heir.start as usize;
            let before = start - run.from;
            if before >= run.length {
                break;
            }
            if start >= least && start < most {
                let rest = heirs.get(passed..).unwrap_or_default();
                let inner = rest.partition_point(|heir| (heir.start as usize) < most);
                self.take_all(rest.get(..inner).unwrap_or_default(), run)?;
                passed += inner;
                continue;
            }
            passed += 1;
            let reach = self.detector.reach_of(heir.anchor);
            let after = run.length - before;
            let Ok(start) = u32::try_from(run.to + before) else { break };
            // An anchor may be longer than what was copied of it.
            if reach.length <= after {
                let window = if heir.standing.is_narrow { NARROW } else { reach.window };
                let is_same = (before >= window.before || begins_alike) && (after >= window.after || ends_alike);
                self.take(Sighted { start, ..*heir }, reach, is_same)?;
            }
        }
        Ok(passed)
    }

    /// Takes over what came with everything around it.
    fn take_all(&mut self, heirs: &[Sighted], run: &Run) -> Result<(), Crowded> {
        let (Some(first), Some(last)) = (heirs.first(), heirs.last()) else { return Ok(()) };
        let place = |heir: &Sighted| u32::try_from(heir.start as usize - run.from + run.to).ok();
        let (Some(start), Some(_)) = (place(first), place(last)) else { return Ok(()) };
        self.look_before(start, first.anchor)?;
        for heir in heirs {
            self.crowd.admit(self.detector.reach_of(heir.anchor))?;
        }
        let shift = start.wrapping_sub(first.start);
        self.sightings.extend(heirs.iter().map(|heir| Sighted { start: heir.start.wrapping_add(shift), ..*heir }));
        Ok(())
    }

    fn take(&mut self, heir: Sighted, reach: &Reach, is_same: bool) -> Result<(), Crowded> {
        self.look_before(heir.start, heir.anchor)?;
        if is_same {
            self.crowd.admit(reach)?;
            self.sightings.push(heir);
            return Ok(());
        }
        self.look(Sighting { start: heir.start, anchor: heir.anchor })
    }

    /// Adds what is fresh and comes before a sighting.
    fn look_before(&mut self, start: u32, anchor: u16) -> Result<(), Crowded> {
        while let Some(fresh) = self.fresh.next_if(|fresh| (fresh.start, fresh.anchor) < (start, anchor)) {
            self.look(fresh)?;
        }
        Ok(())
    }

    fn look(&mut self, sighting: Sighting) -> Result<(), Crowded> {
        self.crowd.admit(self.detector.reach_of(sighting.anchor))?;
        self.sightings.push(self.detector.look(self.bytes, sighting, &mut self.memory));
        Ok(())
    }
}

/// The first sighting inside a run or behind it. `next` is the first behind the run before.
fn first_of(run: &Run, sightings: &[Sighted], next: usize) -> usize {
    let is_before = |sighted: &Sighted| (sighted.start as usize) < run.from;
    let stands_before = |place: usize| sightings.get(place).is_some_and(is_before);
    let goes_on = next == 0 || stands_before(next - 1);
    let mut least = if goes_on { next } else { 0 };
    // It is mostly near: each step is twice as long as the one before.
    let mut most = least;
    let mut step = 1;
    while goes_on && stands_before(most) {
        least = most + 1;
        most += step;
        step *= 2;
    }
    let most = if goes_on { most.min(sightings.len()) } else { next };
    least + sightings.get(least..most).unwrap_or_default().partition_point(is_before)
}
