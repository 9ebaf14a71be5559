//! The window of an anchor: those four bytes of it that are rarest in source code, by which it is looked for.
//!
//! `sk_live_` is looked for by `_liv`, and `client_secret` by `nt_s`. Of windows that are all rare, anchors share one where they can: each
//! that a filter has to know lets other places through. An anchor of three bytes has a window of three.

use std::cmp::Reverse;

use super::common::commonness;

/// How rare each kind of character is after each kind of character in source code: a row for each kind before, and a last one for
/// whatever stands before; quarters of a bit, above `#`. Measured on sources in ten languages. Other text costs time, and changes
/// nothing of what is found.
const RARITY: [[u8; KINDS]; KINDS + 1] = [
    *br"I836GB8P7P@031W7T/2-;>DA=LMBAG6G",
    *br"1B7A/EGM26F/ED2AP57A0JKQ4KF<C98A",
    *br"1E>D1DP19X45=K-CN3/19GM@>YK<AB:B",
    *br"7C?:,0GG2MJ>GH.GM>:A;JKF?XJ6></?",
    *br"8C55<6>KCTJ491E:>/23K>A6>UO8?;.>",
    *br"6CDD7:FU/YW:F=1FX7B=8PNRA\K?E4/7",
    *br"<H=G,H=72XP4=43EW54<8HMTMLR6=7/>",
    *br".GJI)HQO1ZLB@F2HT9=4;TPTCUO8A=1@",
    *br";956938SHWF37+1:L810L<T>Z;REJHAI",
    *br"6H?A)EHJ<FCGFD/?EI1G3G@LFII=F<6;",
    *br"4I:A+C:G3LJ?C:AENB5?<H<QHPO-;;2<",
    *br"1CC7-2CE/PK2JF2@TF665CHS9SV4@A3A",
    *br".7G<+DLP5TJ97D3/QG8A8GJPFUO6>@4B",
    *br"3H411;1H8R??E?3?RH1/9>GSAUL;>?/@",
    *br"?;05C7?S;F<74-94R.665=9DPPX<@D5G",
    *br".IC@-CJ>6]<2FE27M0915JIP9UO7B?8A",
    *br"AHCBBGJFGLK9E?F@C>9E&GAKLLK5C<6;",
    *br"0F::,D7K2\?>:62BU8557BCU9^Q:@=1?",
    *br"<K;G.GE94Y98A?88JC3.8IEO>OQ9>8/<",
    *br"4K>?/1Q01[N>BG3<W38:7MEA6RP7>=0@",
    *br":69;1<=T5ZP14/B4R.00LFSCUREEHJ<I",
    *br"+G<H(BFM2UPIAF49NFB@IJKEEND9DB;A",
    *br"/HB>1HI0,SIAJ51FK37GAM>KOSR7?=4@",
    *br"6?2@3<PI8SPB>DE2PJB/JOM7@M948;3=",
    *br"BBAG=B<E:PO:=97+I=56IG:QLKS3:9,<",
    *br"2BAC'BHC4LIA=H8BKC>CDJJE>AF6@C8<",
    *br"CDDBCDVUOWTMSTTNWSNRSMS;XX4<A/99",
    *br"5816659<4I>75674I512;9==FIL/YJAG",
    *br"9:68;8?>9GF5:=<8F968<>=FM<9J-P5=",
    *br":?3<;;<;:BF=<?=9I97;?B@KQQ55X;/E",
    *br":>:=><CC9OI>@><=P<98AB?JJRH<BG&?",
    *br"@A=6@ADD@LHBB?A?L?;7AEFELM??EB-5",
    *br"7?9939>=7LB9<77;K664;BBA@K@9@;,;",
];

/// How many kinds of characters are told apart: letters, and six others.
const KINDS: usize = 32;

/// The bit in which the cases of a letter differ. It is set in all bytes before they are compared: that joins a few other
/// pairs of characters as well, which costs candidates and no sightings.
pub(super) const CASE: u8 = 0x20;

/// How many bytes a window has, at most.
pub(super) const WIDTH: usize = 4;

/// Fewer bytes tell too little to look for.
pub(super) const SHORTEST: usize = 3;

/// Where an anchor is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Which anchor.
    pub(super) anchor: u16,
    /// Where in the anchor the window begins.
    pub(super) offset: usize,
    /// Its bytes, with [`CASE`] set. The last is nought if there are three.
    pub(super) bytes: [u8; WIDTH],
    /// Whether any byte may stand in the last place.
    pub(super) is_short: bool,
}

impl Window {
    /// The windows of all anchors, numbered in their order, but for those that have fewer than [`SHORTEST`] bytes.
    pub(super) fn of_all(anchors: &[Vec<u8>]) -> Vec<Self> {
        let mut shared = Shared::new();
        // Of each anchor how common each of its windows is, one behind the other.
        let mut common = Vec::with_capacity(anchors.iter().map(Vec::len).sum());
        for window in anchors.iter().flat_map(|anchor| all_of(anchor)) {
            let commonness = commonness(window);
            if commonness == 0 {
                shared.count(window);
            }
            common.push(commonness);
        }
        let mut common = common.as_slice();
        let mut windows = Vec::with_capacity(anchors.len());
        windows.extend((0..).zip(anchors).filter_map(|(anchor, text)| {
            let own = common.split_off(..all_of(text).len()).unwrap_or_default();
            Self::of(anchor, text, own, &shared)
        }));
        windows
    }

    /// `common` says how common each window of the text is.
    fn of(anchor: u16, text: &[u8], common: &[u8], shared: &Shared) -> Option<Self> {
        if let Ok([first, second, third]) = <[u8; SHORTEST]>::try_from(text) {
            let bytes = [first | CASE, second | CASE, third | CASE, 0];
            return Some(Self { anchor, offset: 0, bytes, is_short: true });
        }
        let worth = |(_, (window, commonness)): &(usize, ([u8; WIDTH], &u8))| {
            let anchors = if **commonness == 0 { shared.anchors(*window) } else { 0 };
            (Reverse(**commonness), anchors, rarity(*window))
        };
        let (offset, (bytes, _)) = all_of(text).zip(common).enumerate().max_by_key(worth)?;
        Some(Self { anchor, offset, bytes: bytes.map(|byte| byte | CASE), is_short: false })
    }
}

/// Every window that an anchor could have.
fn all_of(anchor: &[u8]) -> impl ExactSizeIterator<Item = [u8; WIDTH]> {
    anchor.windows(WIDTH).map(|window| window.first_chunk().copied().unwrap_or_default())
}

/// Bits of the hash that windows are counted by.
const COUNT_BITS: u32 = 15;

/// How many anchors could have each window, by its hash.
struct Shared(Box<[u8]>);

impl Shared {
    fn new() -> Self {
        Self(vec![0; 1 << COUNT_BITS].into())
    }

    fn count(&mut self, window: [u8; WIDTH]) {
        if let Some(anchors) = self.0.get_mut(hash(folded(window), COUNT_BITS)) {
            *anchors = anchors.saturating_add(1);
        }
    }

    fn anchors(&self, window: [u8; WIDTH]) -> u8 {
        self.0.get(hash(folded(window), COUNT_BITS)).copied().unwrap_or(0)
    }
}

/// [`CASE`] in each byte of a window.
pub(super) const CASES: u32 = u32::from_ne_bytes([CASE; WIDTH]);

/// What hashes are made by.
pub(super) const FACTOR: u32 = 0x9e37_79b1;

/// The bytes of a window as a number, without the case of letters.
pub(super) const fn folded(window: [u8; WIDTH]) -> u32 {
    u32::from_le_bytes(window) | CASES
}

/// A hash of so many bits.
#[inline]
pub(super) const fn hash(window: u32, bits: u32) -> usize {
    (window.wrapping_mul(FACTOR) >> (32 - bits)) as usize
}

/// How rare some bytes are in source code, in quarters of a bit.
fn rarity(bytes: [u8; WIDTH]) -> u32 {
    let mut before = KINDS;
    let rarity = |byte: u8| {
        let kind = kind(byte);
        let rarity = RARITY[before][kind] - b'#';
        before = kind;
        u32::from(rarity)
    };
    bytes.into_iter().map(rarity).sum()
}

fn kind(byte: u8) -> usize {
    usize::from(KIND_OF[usize::from(byte)])
}

/// The kind of each byte.
static KIND_OF: [u8; 256] = {
    let mut kinds = [31; 256];
    let mut byte: u8 = 0;
    while byte < u8::MAX {
        kinds[byte as usize] = match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => letter - b'a',
            b'0'..=b'9' => 26,
            b'_' => 27,
            b'-' => 28,
            b'.' => 29,
            b' ' | b'\n' | b'\t' | b'\r' => 30,
            _ => 31,
        };
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(usize, &str)>) {
        let window = Window::of_all(&[text.as_bytes().to_vec()]).pop();
        let found = window.map(|window| (window.offset, window.bytes));
        let expected = expected.map(|(offset, bytes)| {
            let mut padded = [0; WIDTH];
            padded[..bytes.len()].copy_from_slice(bytes.as_bytes());
            (offset, padded.map(|byte| if byte == 0 { 0 } else { byte | CASE }))
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_rarest_bytes_are_looked_for() {
        check("sk_live_", Some((2, "_liv")));
        check("xoxb-", Some((0, "xoxb")));
        check("://", Some((0, "://")));
        check("sl", None);
    }
}
