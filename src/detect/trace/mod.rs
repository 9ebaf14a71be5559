//! [`Trace`]: what is known about some bytes before they are judged, and how it is taken over by bytes that were made from them.
//!
//! [`Detector::retrace`] gives what [`Detector::trace`] gives, whatever the runs are: a sighting is taken over only where all
//! its bytes were copied together, and its standing only where its whole window was. Everything else is looked at again.

mod heritage;

use std::ops::Range;

use super::encoded::Narrowed;
use super::prefilter::{Hit, Sighting};
use super::standing::{Memory, Reach, Standing};
use super::{Candidate, Detector, allow};
use heritage::Heritage;

/// Bytes that were copied from a base: `length` of them, from offset `from` of the base to offset `to`.
///
/// The runs of a copy are ascending in `to` and do not overlap there; where they stand in the base is arbitrary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where the bytes stand in the base.
    pub from: usize,
    /// Where they stand in the copy.
    pub to: usize,
    /// How many there are.
    pub length: usize,
}

/// The sightings of anchors in some bytes, and which of them are alive. Holds no content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    sightings: Vec<Sighted>,
    /// Length of the bytes.
    length: usize,
    /// Whether the sightings are so many that they are not kept, and all count as alive.
    is_crowded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sighted {
    start: u32,
    anchor: u16,
    standing: Standing,
}

impl Trace {
    /// Whether nothing can be found: [`Detector::judge`] would give nothing.
    pub fn is_quiet(&self) -> bool {
        !self.is_crowded && !self.sightings.iter().any(|sighted| sighted.standing.is_alive)
    }
}

/// Zones that are nearer to each other than this are searched in one go: each search costs something to begin.
const NEAR: usize = 64;

/// Nothing is taken over from shorter runs.
const SHORTEST: usize = 256;

/// Where less than one of so many bytes is copied, all of them are searched in one go.
const LEAST_COPIED: usize = 4;

/// More sightings than one in so many bytes are not kept.
const SPARSE: usize = 16;

/// Fewer than this are kept in any case.
const FEW: usize = 4096;

/// Patterns may read each byte so many times on the average before windows are joined.
const PASSES: usize = 64;

/// No more comments that allow nothing are told of.
const MOST_MARKS: usize = 100;

/// So many bytes they may read in any case.
const CHEAP: usize = 1 << 20;

impl Detector {
    /// What there is to judge in `bytes`.
    pub fn trace(&self, bytes: &[u8]) -> Trace {
        // What has to be decoded as a whole is not looked at piece by piece.
        if Narrowed::is_text(bytes) {
            return Trace { sightings: Vec::new(), length: bytes.len(), is_crowded: true };
        }
        let sightings = self.sightings(bytes);
        if self.is_crowded(bytes, &sightings) {
            return Trace { sightings: Vec::new(), length: bytes.len(), is_crowded: true };
        }
        let mut memory = Memory::default();
        let look = |sighting: Sighting| self.look(bytes, sighting, &mut memory);
        Trace { sightings: sightings.into_iter().map(look).collect(), length: bytes.len(), is_crowded: false }
    }

    /// The same as [`Detector::trace`] of `bytes`, taking over from the trace of a base what the runs copied from it. Runs that
    /// are not ascending, or reach beyond the base or the bytes, are not believed.
    pub fn retrace(&self, bytes: &[u8], base: &Trace, runs: &[Run]) -> Trace {
        // Deltas are made of many short runs. What is copied in pieces is searched anyway, between what is new on either side.
        let long: Vec<Run> = runs.iter().copied().filter(|run| run.length >= SHORTEST).collect();
        self.retrace_runs(bytes, base, &long)
    }

    /// The same, of runs of any length.
    fn retrace_runs(&self, bytes: &[u8], base: &Trace, runs: &[Run]) -> Trace {
        let copied = copied(bytes.len(), base.length, runs).filter(|copied| *copied >= bytes.len() / LEAST_COPIED);
        if base.is_crowded || copied.is_none() || Narrowed::is_text(bytes) {
            return self.trace(bytes);
        }
        let mut heritage = Heritage::new(self, bytes, self.fresh_sightings(bytes, runs));
        match heritage.take_over(base, runs) {
            Ok(()) => Trace { sightings: heritage.sightings, length: bytes.len(), is_crowded: false },
            Err(Crowded) => Trace { sightings: Vec::new(), length: bytes.len(), is_crowded: true },
        }
    }

    /// Every candidate in `bytes`, in the order of their spans, given their trace.
    pub fn judge(&self, bytes: &[u8], trace: &Trace) -> Vec<Candidate> {
        if trace.is_quiet() {
            return Vec::new();
        }
        if Narrowed::is_text(bytes) {
            return self.find_in(bytes, 0, &mut |_| {});
        }
        let hits = if trace.is_crowded { self.prefilter.hits(bytes) } else { self.hits_of(bytes, trace) };
        self.find(bytes, hits, trace.is_crowded, 0, &mut |_| {})
    }

    /// Our marks beside which nothing is found: where the comments stand that allow nothing, the first hundred of them. Nothing is told
    /// of bytes whose sightings are too many to be kept.
    pub fn unused_marks(&self, trace: &Trace, bytes: &[u8], found: &[Candidate]) -> Vec<Range<usize>> {
        let marks: Vec<&Sighted> = trace.sightings.iter().filter(|sighted| Some(sighted.anchor) == self.mark).collect();
        if marks.is_empty() {
            return Vec::new();
        }
        let mut edges: Vec<usize> = found.iter().flat_map(|found| [found.span.start, found.span.end]).collect();
        edges.sort_unstable();
        let is_used = |line: &Range<usize>| {
            let first = edges.partition_point(|edge| *edge < line.start);
            edges.get(first).is_some_and(|edge| *edge <= line.end)
        };
        let unused = marks.into_iter().filter_map(|sighted| {
            let start = sighted.start as usize;
            allow::line_of_mark(bytes, start).filter(|line| !is_used(line))?;
            Some(start..start + allow::OWN_MARK.len())
        });
        unused.take(MOST_MARKS).collect()
    }

    /// Every anchor in the bytes, ascending.
    pub(super) fn sightings(&self, bytes: &[u8]) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        self.scan(bytes, 0..bytes.len(), &mut sightings);
        sightings
    }

    /// Whether the sightings are so many that they are not kept, and windows are joined.
    pub(super) fn is_crowded(&self, bytes: &[u8], sightings: &[Sighting]) -> bool {
        let mut crowd = Crowd::in_bytes(bytes.len());
        sightings.iter().any(|sighting| crowd.admit(self.reach_of(sighting.anchor)).is_err())
    }

    /// The living sightings as hits of their owners, where the anchor is spelled as the owner wants it.
    fn hits_of(&self, bytes: &[u8], trace: &Trace) -> Vec<Hit> {
        let mut hits = Vec::new();
        for sighted in trace.sightings.iter().filter(|sighted| sighted.standing.is_alive) {
            let start = sighted.start as usize;
            let end = start + self.prefilter.length(sighted.anchor);
            for (owner, exact) in self.prefilter.claims(sighted.anchor) {
                if exact.as_deref().is_none_or(|exact| bytes.get(start..end) == Some(exact)) {
                    hits.push(Hit { owner: *owner, start, end });
                }
            }
        }
        hits
    }

    fn scan(&self, bytes: &[u8], zone: Range<usize>, sightings: &mut Vec<Sighting>) {
        self.prefilter.scan(bytes, zone, sightings);
    }

    fn look(&self, bytes: &[u8], sighting: Sighting, memory: &mut Memory) -> Sighted {
        let Sighting { start, anchor } = sighting;
        Sighted { start, anchor, standing: self.standing(bytes, anchor, start as usize, memory) }
    }

    /// The sightings that do not lie wholly inside one run.
    fn fresh_sightings(&self, bytes: &[u8], runs: &[Run]) -> Vec<Sighting> {
        let mut fresh = Vec::new();
        zones(bytes.len(), self.longest_anchor.saturating_sub(1), runs, |zone| self.scan(bytes, zone, &mut fresh));
        let mut runs = runs.iter().peekable();
        fresh.retain(|sighting| {
            let start = sighting.start as usize;
            while runs.next_if(|run| run.to + run.length <= start).is_some() {}
            let end = start + self.prefilter.length(sighting.anchor);
            runs.peek().is_none_or(|run| start < run.to || end > run.to + run.length)
        });
        fresh
    }

    fn reach_of(&self, anchor: u16) -> &Reach {
        self.reaches.get(usize::from(anchor)).unwrap_or(&Reach::NONE)
    }
}

/// There are more sightings than can be kept and looked at one by one.
struct Crowded;

/// How many sightings there are, and what they cost.
struct Crowd {
    length: usize,
    /// How many more may be kept.
    places: usize,
    /// How many more bytes patterns may read.
    budget: usize,
}

impl Crowd {
    fn in_bytes(length: usize) -> Self {
        Self { length, places: FEW + length / SPARSE, budget: CHEAP + length.saturating_mul(PASSES) }
    }

    fn admit(&mut self, reach: &Reach) -> Result<(), Crowded> {
        let cost = reach.cost.min(self.length);
        self.places = self.places.checked_sub(1).ok_or(Crowded)?;
        self.budget = self.budget.checked_sub(cost).ok_or(Crowded)?;
        Ok(())
    }
}

/// How many bytes the runs copy. `None` if they are not what they should be.
fn copied(length: usize, base_length: usize, runs: &[Run]) -> Option<usize> {
    let mut end = 0;
    let mut copied = 0;
    for run in runs {
        if run.to < end || run.from.checked_add(run.length)? > base_length {
            return None;
        }
        end = run.to.checked_add(run.length)?;
        copied += run.length;
    }
    (end <= length).then_some(copied)
}

/// Tells what has to be searched: the bytes between the runs and `margin` bytes on either side, so that every anchor that does
/// not lie wholly inside one run lies wholly inside a zone. Ascending, apart from each other.
fn zones(length: usize, margin: usize, runs: &[Run], mut tell: impl FnMut(Range<usize>)) {
    let mut open: Option<Range<usize>> = None;
    let mut add = |gap: Range<usize>| {
        let zone = gap.start.saturating_sub(margin)..gap.end.saturating_add(margin).min(length);
        match &mut open {
            Some(open) if zone.start <= open.end + NEAR => open.end = zone.end.max(open.end),
            open => open.replace(zone).into_iter().for_each(&mut tell),
        }
    };
    let mut end = 0;
    for run in runs {
        // Between two runs is a gap even where nothing stands in it: what they join may be an anchor.
        if run.to > 0 {
            add(end..run.to);
        }
        end = run.to + run.length;
    }
    if end < length {
        add(end..length);
    }
    open.into_iter().for_each(tell);
}

#[cfg(test)]
mod tests;
