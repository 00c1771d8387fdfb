//! Products of bf16 blocks on tile registers, and the same in plain Rust.
#![allow(unsafe_code)]

use std::marker::PhantomData;

/// Rows and columns of a block of the result: two tiles of 16 each way.
pub(super) const BLOCK: usize = 32;
/// Values of a row of a tile of factors, and so the depth of a step.
pub(super) const DEPTH: usize = 32;
/// Rows of a tile.
const ROWS: usize = 16;
/// bf16 values of a tile of factors.
pub(super) const TILE: usize = ROWS * DEPTH;

/// A block of a result, row by row.
pub(super) type Block = [f32; BLOCK * BLOCK];

/// Where the tiles of a step begin: in values from the bases of both operands.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    left: u32,
    right: u32,
}

/// The steps of a product, each of which adds the product of two tiles of 16 rows by two.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// The furthest that a step begins, in both operands.
    reach: [usize; 2],
}

impl Steps {
    /// Adds a step whose tiles begin so far from the bases of the operands.
    pub(super) fn push(&mut self, left: usize, right: usize) {
        let offset = |at: usize| u32::try_from(at).expect("operands have less than 2^32 values");
        self.steps.push(Step {
            left: offset(left),
            right: offset(right),
        });
        self.reach = [self.reach[0].max(left), self.reach[1].max(right)];
    }
}

/// A factor of a product.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    /// All of its values, as bits of bf16.
    pub values: &'a [u16],
    /// Where the block begins, to which steps are added.
    pub base: usize,
    /// Values from a row of a tile to the next.
    pub row: usize,
    /// Values from the first tile of a step to the second.
    pub second: usize,
}

impl Operand<'_> {
    /// One past the last value that is read.
    fn end(&self, reach: usize) -> usize {
        self.base + reach + self.second + (ROWS - 1) * self.row + DEPTH
    }
}

/// What multiplies blocks.
///
/// The left operand has a row of the result in each of its rows, of 32 values in order. The right one
/// has pairs of values in each of its 16 rows: row `k`, column `j` are the values `2k` and `2k + 1`
/// of column `j` of the result. As many steps as are listed are added up, in their order.
pub(super) trait Multiply {
    /// Writes the sum of all steps' products.
    ///
    /// # Panics
    /// If an operand has fewer values than steps look at.
    fn product(&self, steps: &Steps, left: Operand<'_>, right: Operand<'_>, out: &mut Block);
}

/// Checks what both forms read.
fn check(steps: &Steps, left: &Operand<'_>, right: &Operand<'_>) {
    assert!(left.end(steps.reach[0]) <= left.values.len());
    assert!(right.end(steps.reach[1]) <= right.values.len());
}

/// Plain Rust, which rounds as tile registers do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar;

impl Multiply for Scalar {
    fn product(&self, steps: &Steps, left: Operand<'_>, right: Operand<'_>, out: &mut Block) {
        check(steps, &left, &right);
        out.fill(0.0);
        let float = |bits: u16| flushed(f32::from_bits(u32::from(bits) << 16));
        for step in &steps.steps {
            for (at, sum) in out.iter_mut().enumerate() {
                let (i, j) = (at / BLOCK, at % BLOCK);
                let row = left.base + step.left as usize;
                let row = row + i / ROWS * left.second + i % ROWS * left.row;
                let column = right.base + step.right as usize;
                let column = column + j / ROWS * right.second + j % ROWS * 2;
                let mut halves = [0.0f32; 2];
                for k in 0..ROWS {
                    for (half, part) in halves.iter_mut().enumerate() {
                        let a = float(left.values[row + 2 * k + half]);
                        let b = float(right.values[column + k * right.row + half]);
                        *part = flushed(a.mul_add(b, *part));
                    }
                }
                *sum = flushed(*sum + flushed(halves[0] + halves[1]));
            }
        }
    }
}

/// Tile registers take what is smaller than the normal floats for zero.
fn flushed(value: f32) -> f32 {
    if value.is_subnormal() {
        return 0.0f32.copysign(value);
    }
    value
}

/// Tile registers of this thread, set up; they are given back when this is dropped.
///
/// While it lives, nothing else on the thread may set them up otherwise.
#[derive(Debug)]
pub(super) struct Tiles {
    /// They belong to the thread.
    here: PhantomData<*const ()>,
}

#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::asm;
    use std::marker::PhantomData;
    use std::sync::OnceLock;

    use super::{BLOCK, Block, Multiply, Operand, ROWS, Steps, Tiles, check};

    /// What the instruction that sets tile registers up reads: all eight have 16 rows of 64 bytes.
    #[repr(C, align(64))]
    struct Configuration {
        palette: u8,
        start: u8,
        reserved: [u8; 14],
        row_bytes: [u16; 16],
        rows: [u8; 16],
    }

    static CONFIGURATION: Configuration = Configuration {
        palette: 1,
        start: 0,
        reserved: [0; 14],
        row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
        rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
    };

    /// Whether this processor multiplies tiles of bf16, and the system lets this process do so.
    #[must_use]
    pub fn available() -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| has_features() && cfg!(target_os = "linux") && permitted())
    }

    fn has_features() -> bool {
        // Leaf 7: bit 22 of edx is AMX-BF16, bit 24 is AMX-TILE.
        let most = std::arch::x86_64::__cpuid(0).eax;
        let amx = |edx: u32| edx >> 22 & 1 == 1 && edx >> 24 & 1 == 1;
        most >= 7
            && amx(std::arch::x86_64::__cpuid_count(7, 0).edx)
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma")
    }

    /// Asks Linux for the tile registers' room in a thread's saved state: once for all threads.
    fn permitted() -> bool {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
        const XTILEDATA: i64 = 18;
        let answer: i64;
        // SAFETY: the call changes nothing in memory, and the registers that it writes are named.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") ARCH_PRCTL => answer,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XTILEDATA,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        answer == 0
    }

    impl Tiles {
        /// Sets this thread's tile registers up; `None` where there are none.
        pub(in super::super) fn set_up() -> Option<Tiles> {
            if !available() {
                return None;
            }
            // SAFETY: the processor has the instruction, the system permits it, and the
            // configuration is of palette 1, within its limits.
            unsafe {
                asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, readonly));
            }
            Some(Tiles { here: PhantomData })
        }
    }

    impl Drop for Tiles {
        fn drop(&mut self) {
            // SAFETY: as in `set_up`.
            unsafe { asm!("tilerelease", options(nostack, nomem)) }
        }
    }

    impl Multiply for Tiles {
        #[inline]
        fn product(&self, steps: &Steps, left: Operand<'_>, right: Operand<'_>, out: &mut Block) {
            check(steps, &left, &right);
            if steps.steps.is_empty() {
                out.fill(0.0);
                return;
            }
            let list = steps.steps.as_ptr();
            let (a, b) = (
                left.values[left.base..].as_ptr(),
                right.values[right.base..].as_ptr(),
            );
            let bytes = size_of::<u16>();
            // SAFETY: the registers are set up, since `self` lives. Each step reads 16 rows of 64
            // bytes at four places, the last of which ends before the operands do, by `check`.
            // The result is 32 rows of 128 bytes. All registers that change are named.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "mov {x:e}, dword ptr [{list}]",
                    "mov {y:e}, dword ptr [{list} + 4]",
                    "lea {x}, [{a} + 2*{x}]",
                    "lea {y}, [{b} + 2*{y}]",
                    "tileloadd tmm4, [{x} + 1*{arow}]",
                    "add {x}, {asecond}",
                    "tileloadd tmm6, [{y} + 1*{brow}]",
                    "add {y}, {bsecond}",
                    "tileloadd tmm5, [{x} + 1*{arow}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{y} + 1*{brow}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {list}, 8",
                    "dec {count}",
                    "jnz 2b",
                    "mov {x:e}, 128",
                    "tilestored [{out} + 1*{x}], tmm0",
                    "tilestored [{out} + 1*{x} + 64], tmm1",
                    "tilestored [{out} + 1*{x} + 2048], tmm2",
                    "tilestored [{out} + 1*{x} + 2112], tmm3",
                    list = inout(reg) list => _,
                    count = inout(reg) steps.steps.len() => _,
                    x = out(reg) _,
                    y = out(reg) _,
                    a = in(reg) a,
                    b = in(reg) b,
                    arow = in(reg) left.row * bytes,
                    brow = in(reg) right.row * bytes,
                    asecond = in(reg) left.second * bytes,
                    bsecond = in(reg) right.second * bytes,
                    out = in(reg) out.as_mut_ptr(),
                    out("tmm0") _,
                    out("tmm1") _,
                    out("tmm2") _,
                    out("tmm3") _,
                    out("tmm4") _,
                    out("tmm5") _,
                    out("tmm6") _,
                    out("tmm7") _,
                    options(nostack),
                );
            }
        }
    }

    const _: () = assert!(BLOCK == 2 * ROWS && size_of::<Block>() == 4096);
}

#[cfg(target_arch = "x86_64")]
pub use registers::available;

/// Whether this processor multiplies tiles of bf16, and the system lets this process do so.
#[cfg(not(target_arch = "x86_64"))]
#[must_use]
pub fn available() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
impl Tiles {
    /// There are none.
    pub(super) fn set_up() -> Option<Tiles> {
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Multiply for Tiles {
    fn product(&self, steps: &Steps, left: Operand<'_>, right: Operand<'_>, out: &mut Block) {
        Scalar.product(steps, left, right, out);
    }
}
