//! Pictures per second of the distorter and its parts, on one core.
//!
//! ```text
//! cargo bench --no-default-features --bench distort
//! ```
//!
//! Rows of 105 × 105 `f32` unless they say 48, with the best instructions that the processor has
//! unless they say which. `write_only` is the limit: the same bytes, filled with a constant.
//! Each row's pictures are first compared with the scalar law's. Pages are scribbles with about 8 % ink, as in Omniglot;
//! the maps change from picture to picture, as they do in training.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use omnishot::distort::{Distorter, Distortion, Instructions};
use omnishot::image::{Page, SIDE};
use omnishot::seed::{Purpose, Stream};

/// Different pictures a row goes through; few enough to stay in the cache.
const PICTURES: usize = 64;

fn main() {
    divan::main();
}

/// Pages of wandering strokes two to three pixels wide.
fn pages() -> Vec<Page> {
    let pages: Vec<Page> = (0..PICTURES as u64).map(scribble).collect();
    let ink: u32 = pages.iter().map(Page::ink_count).sum();
    let share = f64::from(ink) / (PICTURES * SIDE * SIDE) as f64;
    assert!((0.07..0.09).contains(&share), "{share} of the pages is ink");
    pages
}

fn scribble(seed: u64) -> Page {
    let mut page = Page::BLANK;
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
    for _ in 0..4 {
        let mut at = [stream.unit() * 75.0 + 15.0, stream.unit() * 75.0 + 15.0];
        let mut step = [stream.signed_unit(), stream.signed_unit()];
        for _ in 0..104 {
            for axis in 0..2 {
                step[axis] = (step[axis] + 0.15 * stream.signed_unit()).clamp(-1.0, 1.0);
                at[axis] = (at[axis] + step[axis]).clamp(8.0, 95.0);
            }
            let [x, y] = at.map(|place| place as usize);
            (0..9).for_each(|k| page.set(x + k % 3, y + k / 3, true));
        }
    }
    page
}

/// Measures `draw(distorter, page, stream, out)`, one picture an iteration, against the law.
fn pictures(
    bencher: Bencher,
    distorter: Distorter,
    side: usize,
    draw: impl Fn(&mut Distorter, &Page, &mut Stream, &mut [f32]),
) {
    let pages = pages();
    let stream = |k: usize| Stream::new(1, Purpose::Distort, k as u64);
    let mut out = vec![0f32; side * side];
    let mut want = out.clone();
    let law = Distorter::scalar(*distorter.distortion()).expect("the law is a preset");
    let [mut distorter, mut law] =
        [distorter, law].map(|distorter| distorter.at(side).expect("from 2 to 105"));
    for (k, page) in pages.iter().enumerate() {
        draw(&mut distorter, page, &mut stream(k), &mut out);
        draw(&mut law, page, &mut stream(k), &mut want);
        assert_eq!(out, want, "picture {k} is not the law's");
    }
    let mut k = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        k = (k + 1) % PICTURES;
        draw(
            &mut distorter,
            &pages[k],
            &mut stream(k),
            black_box(&mut out),
        );
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn write_only(bencher: Bencher) {
    let mut out = vec![0f32; SIDE * SIDE];
    bencher
        .counter(ItemsCount::new(1u32))
        .bench_local(|| black_box(&mut out).fill(black_box(1.0)));
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn expand_bits(bencher: Bencher) {
    let pages = pages();
    let mut rows = vec![[0u8; SIDE]; SIDE];
    let mut k = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        k = (k + 1) % PICTURES;
        for (y, row) in black_box(&mut rows).iter_mut().enumerate() {
            pages[k].expand_row(y, 255, row);
        }
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn koch_scalar(bencher: Bencher) {
    let distorter = Distorter::scalar(Distortion::KOCH).expect("a preset");
    pictures(bencher, distorter, SIDE, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn koch(bencher: Bencher) {
    let distorter = Distorter::new(Distortion::KOCH).expect("a preset");
    pictures(bencher, distorter, SIDE, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn koch_avx2(bencher: Bencher) {
    let distorter = Distorter::with(Distortion::KOCH, Instructions::Avx2).expect("a preset");
    pictures(bencher, distorter, SIDE, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn koch_quarter_turned(bencher: Bencher) {
    let distorter = Distorter::new(Distortion::KOCH).expect("a preset");
    pictures(bencher, distorter, SIDE, |distorter, page, stream, out| {
        distorter.draw(page, 1, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn plain(bencher: Bencher) {
    let distorter = Distorter::new(Distortion::KOCH).expect("a preset");
    pictures(bencher, distorter, SIDE, |distorter, page, _, out| {
        distorter.plain(page, 0, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn compact_48_scalar(bencher: Bencher) {
    let distorter = Distorter::scalar(Distortion::COMPACT).expect("a preset");
    pictures(bencher, distorter, 48, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn compact_48(bencher: Bencher) {
    let distorter = Distorter::new(Distortion::COMPACT).expect("a preset");
    pictures(bencher, distorter, 48, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn compact_48_avx2(bencher: Bencher) {
    let distorter = Distorter::with(Distortion::COMPACT, Instructions::Avx2).expect("a preset");
    pictures(bencher, distorter, 48, |distorter, page, stream, out| {
        distorter.draw(page, 0, stream, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn compact_48_plain(bencher: Bencher) {
    let distorter = Distorter::new(Distortion::COMPACT).expect("a preset");
    pictures(bencher, distorter, 48, |distorter, page, _, out| {
        distorter.plain(page, 0, out);
    });
}

#[divan::bench(sample_size = 64, sample_count = 200)]
fn affine_draw(bencher: Bencher) {
    let mut k = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        k += 1;
        Distortion::KOCH
            .affine
            .draw(&mut Stream::new(1, Purpose::Distort, k))
    });
}
