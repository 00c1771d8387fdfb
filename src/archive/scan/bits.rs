//! Bits and Huffman codes of JPEG's entropy-coded data.

/// What ends a picture before its time, in words.
pub(super) type Flaw = &'static str;

pub(super) const CUT: Flaw = "it breaks off before the end that its format marks";
pub(super) const MISSING: Flaw = "its marked end comes before all of its pixels";

/// A table of codes as a file writes it: how many of each length, 1 to 16, and what they mean.
pub(super) struct Table {
    pub counts: [u8; 16],
    pub symbols: Vec<u8>,
}

/// A table by the next 16 bits: length of the code, 0 if there is none, and what it means.
pub(super) struct Huffman(Vec<(u8, u8)>);

impl Table {
    /// `None` if there are more codes than bits can tell apart.
    pub fn huffman(&self) -> Option<Huffman> {
        let mut codes = Vec::with_capacity(1 << 16);
        let mut symbols = self.symbols.iter();
        for (len, &count) in (1u8..).zip(&self.counts) {
            for _ in 0..count {
                let symbol = *symbols.next()?;
                codes.resize(codes.len() + (1 << (16 - len)), (len, symbol));
                if codes.len() > 1 << 16 {
                    return None;
                }
            }
        }
        codes.resize(1 << 16, (0, 0));
        Some(Huffman(codes))
    }
}

/// Reads bits up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// Bits that were read and not yet taken, the next one highest.
    ahead: u64,
    left: u32,
    restarts: u8,
}

impl Bits<'_> {
    pub fn new(data: &[u8]) -> Bits<'_> {
        Bits {
            data,
            at: 0,
            ahead: 0,
            left: 0,
            restarts: 0,
        }
    }

    fn fill(&mut self) {
        while self.left <= 48 {
            let Some(&byte) = self.data.get(self.at) else {
                break;
            };
            if byte == 0xFF {
                // A byte of ones is followed by zero; else it begins a marker.
                if self.data.get(self.at + 1) != Some(&0) {
                    break;
                }
                self.at += 1;
            }
            self.at += 1;
            self.ahead |= u64::from(byte) << (56 - self.left);
            self.left += 8;
        }
    }

    /// The next code's meaning; `None` if there is none, or the data ends in it.
    pub fn symbol(&mut self, table: &Huffman) -> Option<u8> {
        if self.left < 16 {
            self.fill();
        }
        let (len, symbol) = table.0[(self.ahead >> 48) as usize];
        let len = u32::from(len);
        if len == 0 || len > self.left {
            return None;
        }
        self.ahead <<= len;
        self.left -= len;
        Some(symbol)
    }

    /// The next `n` bits, at most 16, as a number.
    pub fn take(&mut self, n: u32) -> Option<u32> {
        if self.left < n {
            self.fill();
            if self.left < n {
                return None;
            }
        }
        let bits = if n == 0 { 0 } else { self.ahead >> (64 - n) };
        self.ahead <<= n;
        self.left -= n;
        Some(bits as u32)
    }

    /// Goes on behind the next marker, which must be the restart whose turn it is.
    pub fn restart(&mut self) -> Option<()> {
        (self.ahead, self.left) = (0, 0);
        let skipped = (self.data.get(self.at..)?.iter()).position(|&byte| byte == 0xFF)?;
        self.at += skipped;
        self.at += (self.data[self.at..].iter()).position(|&byte| byte != 0xFF)?;
        let due = 0xD0 + self.restarts % 8;
        self.restarts = self.restarts.wrapping_add(1);
        let found = self.data[self.at] == due;
        self.at += 1;
        found.then_some(())
    }

    /// What it means that there are no more bits.
    pub fn flaw(&self) -> Flaw {
        let ends = self.at + 1 >= self.data.len();
        if ends { CUT } else { MISSING }
    }

    /// Bytes that were read; markers are looked for behind them.
    pub fn used(&self) -> usize {
        self.at
    }
}
