//! Is a JPEG picture whole? Decoders fill what is missing with grey, which would be ink here.
//!
//! The entropy-coded data is walked block by block, without reckoning any pixel (ITU-T T.81,
//! annexes F and G): each scan must hold all its blocks, each restart its marker, and the last
//! marker must be the end of the image. What follows that is no part of the picture.

use super::bits::{Bits, CUT, Flaw, Huffman, MISSING, Table};

/// The most scans: ordinary progressive pictures have about ten.
const MOST_SCANS: usize = 100;

const HEADER: Flaw = "its header contradicts itself";
const KIND: Flaw = "it is coded in a rare way (arithmetic, lossless or hierarchical)";
const SCANS: Flaw = "it has more than 100 scans";

/// One plane of colour.
struct Component {
    id: u8,
    across: usize,
    down: usize,
    /// Blocks from a row's first to the next row's.
    stride: usize,
    /// Blocks that hold pixels of the picture.
    wide: usize,
    high: usize,
    /// Of each block, which coefficients are not zero: refinements are coded by that.
    known: Vec<u64>,
    begun: bool,
}

/// The picture's sides in the blocks that its scans count.
struct Frame {
    progressive: bool,
    components: Vec<Component>,
    wide: usize,
    high: usize,
}

/// What a scan holds: which coefficients of which components, from which bit on.
struct Scan {
    /// Each component's place in the frame, and its tables.
    parts: Vec<(usize, usize, usize)>,
    first: usize,
    last: usize,
    refines: bool,
}

/// Proves that every scan is complete and the image has its end.
///
/// # Errors
/// With what is amiss, if the file breaks off or was cut and closed again.
pub(super) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    let mut walk = Walk::default();
    let mut at = 2;
    loop {
        let marker = next_marker(bytes, &mut at).ok_or(CUT)?;
        match marker {
            0xD9 => return walk.end(),
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let len = bytes.get(at..at + 2).ok_or(CUT)?;
        let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
        let body = bytes.get(at + 2..at + len.max(2)).ok_or(CUT)?;
        at += len.max(2);
        match marker {
            0xC0..=0xC2 => walk.frame(body, marker == 0xC2).ok_or(HEADER)?,
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(KIND),
            0xC4 => walk.tables(body).ok_or(HEADER)?,
            0xDD => walk.restart = usize::from(word(body, 0).ok_or(HEADER)?),
            0xDA => at += walk.scan(body, &bytes[at..])?,
            _ => {}
        }
    }
}

/// The next marker's byte; `at` becomes the place behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xFF)?;
        *at += bytes[*at..].iter().position(|&byte| byte != 0xFF)?;
        *at += 1;
        if bytes[*at - 1] != 0 {
            return Some(bytes[*at - 1]);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

#[derive(Default)]
struct Walk {
    frame: Option<Frame>,
    /// Huffman tables as they are written: four for the first coefficient, four for the others.
    tables: [Option<Table>; 8],
    /// Blocks from one restart marker to the next; 0 for none.
    restart: usize,
    scans: usize,
}

impl Walk {
    fn frame(&mut self, body: &[u8], progressive: bool) -> Option<()> {
        let (height, width) = (word(body, 1)?, word(body, 3)?);
        let (height, width) = (usize::from(height), usize::from(width));
        let count = usize::from(*body.get(5)?);
        let parts = body.get(6..6 + 3 * count)?.chunks_exact(3);
        let sides = |part: &[u8]| (usize::from(part[1] >> 4), usize::from(part[1] & 15));
        let across_most = parts.clone().map(|part| sides(part).0).max()?;
        let down_most = parts.clone().map(|part| sides(part).1).max()?;
        let sound = self.frame.is_none()
            && (1..=4).contains(&count)
            && width.min(height) > 0
            && width.max(height) <= super::format::MOST_SIDE as usize
            && parts
                .clone()
                .map(sides)
                .all(|(a, d)| (1..=4).contains(&a) && (1..=4).contains(&d));
        if !sound {
            return None;
        }
        let (wide, high) = (
            width.div_ceil(8 * across_most),
            height.div_ceil(8 * down_most),
        );
        let component = |part: &[u8]| {
            let (across, down) = sides(part);
            Component {
                id: part[0],
                across,
                down,
                stride: wide * across,
                wide: (width * across).div_ceil(8 * across_most),
                high: (height * down).div_ceil(8 * down_most),
                known: Vec::new(),
                begun: false,
            }
        };
        self.frame = Some(Frame {
            progressive,
            components: parts.map(component).collect(),
            wide,
            high,
        });
        Some(())
    }

    fn tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = body {
            let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            let symbols = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
            let place = usize::from(kind >> 4 & 1) * 4 + usize::from(kind & 3);
            self.tables[place] = Some(Table {
                counts,
                symbols: rest.get(16..16 + symbols)?.to_vec(),
            });
            body = &rest[16 + symbols..];
        }
        Some(())
    }

    /// Walks one scan; how many bytes it has.
    fn scan(&mut self, body: &[u8], data: &[u8]) -> Result<usize, Flaw> {
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return Err(SCANS);
        }
        let frame = self.frame.as_mut().ok_or(HEADER)?;
        let scan = scan_header(body, frame).ok_or(HEADER)?;
        let table = |place: usize, wanted: bool| match (&self.tables[place], wanted) {
            (Some(table), true) => table.huffman().map(Some),
            (None, true) => None,
            (_, false) => Some(None),
        };
        let mut parts = Vec::new();
        for &(place, dc, ac) in &scan.parts {
            let dc = table(dc, scan.first == 0 && !scan.refines).ok_or(HEADER)?;
            let ac = table(4 + ac, scan.last > 0).ok_or(HEADER)?;
            parts.push((place, dc, ac));
        }
        let mut coder = Coder {
            bits: Bits::new(data),
            run: 0,
            scan: &scan,
            progressive: frame.progressive,
        };
        let alone = parts.len() == 1;
        let (wide, high) = if alone {
            let only = &frame.components[parts[0].0];
            (only.wide, only.high)
        } else {
            (frame.wide, frame.high)
        };
        for unit in 0..wide * high {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                coder.run = 0;
                let found = coder.bits.restart();
                found.ok_or_else(|| coder.bits.flaw())?;
            }
            let (x, y) = (unit % wide, unit / wide);
            for (place, dc, ac) in &parts {
                let part = &mut frame.components[*place];
                let (across, down) = if alone {
                    (1, 1)
                } else {
                    (part.across, part.down)
                };
                for block in 0..across * down {
                    let (x, y) = (x * across + block % across, y * down + block / across);
                    let mut spare = 0;
                    let at = y * part.stride + x;
                    let known = part.known.get_mut(at).unwrap_or(&mut spare);
                    let walked = coder.block(dc.as_ref(), ac.as_ref(), known);
                    walked.ok_or_else(|| coder.bits.flaw())?;
                }
            }
        }
        Ok(coder.bits.used())
    }

    fn end(&self) -> Result<(), Flaw> {
        let whole = |frame: &Frame| frame.components.iter().all(|part| part.begun);
        self.frame
            .as_ref()
            .is_some_and(whole)
            .then_some(())
            .ok_or(MISSING)
    }
}

fn scan_header(body: &[u8], frame: &mut Frame) -> Option<Scan> {
    let count = usize::from(*body.first()?);
    let [first, last, bits] = *body.get(1 + 2 * count..4 + 2 * count)? else {
        return None;
    };
    let (mut first, mut last) = (usize::from(first), usize::from(last));
    if !frame.progressive {
        (first, last) = (0, 63);
    }
    let mut parts = Vec::new();
    for part in body[1..1 + 2 * count].chunks_exact(2) {
        let place = (frame.components.iter()).position(|component| component.id == part[0])?;
        parts.push((
            place,
            usize::from(part[1] >> 4 & 3),
            usize::from(part[1] & 3),
        ));
        let component = &mut frame.components[place];
        component.begun |= first == 0;
        if frame.progressive && component.known.is_empty() {
            component.known = vec![0; component.stride * frame.high * component.down];
        }
    }
    let sound = (1..=4).contains(&count)
        && first <= last
        && last < 64
        && (!frame.progressive || if first == 0 { last == 0 } else { count == 1 });
    let refines = frame.progressive && bits >> 4 > 0;
    sound.then_some(Scan {
        parts,
        first,
        last,
        refines,
    })
}

/// Walks blocks; each step is `None` where the data ends too early or makes no sense.
struct Coder<'a> {
    bits: Bits<'a>,
    /// Blocks to come that have nothing more.
    run: u32,
    scan: &'a Scan,
    progressive: bool,
}

impl Coder<'_> {
    fn block(&mut self, dc: Option<&Huffman>, ac: Option<&Huffman>, known: &mut u64) -> Option<()> {
        if self.scan.first == 0 {
            match dc {
                Some(dc) => {
                    let size = self.bits.symbol(dc)?;
                    self.bits.take(u32::from(size & 15))?;
                }
                None => drop(self.bits.take(1)?),
            }
        }
        let Some(ac) = ac else { return Some(()) };
        if self.scan.refines {
            self.refine(ac, known)
        } else {
            self.others(ac, known)
        }
    }

    /// The coefficients but the first, coded the first time.
    fn others(&mut self, ac: &Huffman, known: &mut u64) -> Option<()> {
        if self.run > 0 {
            self.run -= 1;
            return Some(());
        }
        let mut at = self.scan.first.max(1);
        while at <= self.scan.last {
            let symbol = self.bits.symbol(ac)?;
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                if self.progressive {
                    self.run = (1 << zeros) + self.bits.take(zeros)? - 1;
                }
                break;
            }
            at += zeros as usize;
            if at > self.scan.last {
                return None;
            }
            self.bits.take(size)?;
            *known |= u64::from(size > 0) << at;
            at += 1;
        }
        Some(())
    }

    /// One more bit of each coefficient that is known, and those that are new.
    fn refine(&mut self, ac: &Huffman, known: &mut u64) -> Option<()> {
        let mut at = self.scan.first;
        if self.run == 0 {
            while at <= self.scan.last {
                let symbol = self.bits.symbol(ac)?;
                let (mut zeros, size) = (u32::from(symbol >> 4), symbol & 15);
                if size == 0 && zeros < 15 {
                    self.run = (1 << zeros) + self.bits.take(zeros)?;
                    break;
                }
                self.bits.take(u32::from(size > 0))?;
                while at <= self.scan.last {
                    if *known >> at & 1 == 1 {
                        self.bits.take(1)?;
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    at += 1;
                }
                if size > 0 {
                    if at > self.scan.last {
                        return None;
                    }
                    *known |= 1 << at;
                }
                at += 1;
            }
        }
        if self.run > 0 {
            let left = (at..=self.scan.last)
                .filter(|at| *known >> at & 1 == 1)
                .count();
            for _ in 0..left {
                self.bits.take(1)?;
            }
            self.run -= 1;
        }
        Some(())
    }
}
