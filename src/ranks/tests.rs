//! Two ranks in one process, a thread each.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::thread;
use std::time::Duration;

use tch::{Device, Kind, Tensor};

use super::launch::free_port;
use super::{Place, RankError, Ranks};

/// What `act` gives on each of two ranks, which are threads here.
fn on_two<T: Send>(act: impl Fn(&Ranks) -> T + Sync) -> [T; 2] {
    let port = free_port().unwrap();
    let rank = |rank: u64| {
        let place = Place {
            rank,
            world: 2,
            address: "127.0.0.1".to_owned(),
            port,
            ..Place::alone()
        };
        let ranks = Ranks::join(&place, Device::Cpu, Duration::from_secs(60)).unwrap();
        let result = act(&ranks);
        ranks.barrier().unwrap();
        result
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| rank(1));
        [rank(0), other.join().unwrap()]
    })
}

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

fn filled(tensor: &Tensor, value: f64) -> bool {
    f64::try_from((tensor - value).abs().max()).unwrap() == 0.0
}

/// The pass is said to give zeros: if the sums are right, they are of what it has told while
/// it ran. Only of the last parameter, which is no part of the loss, the given one counts.
#[test]
fn gradients_are_added_up_while_the_backward_pass_makes_them() {
    let sums = on_two(|ranks| {
        // Three buckets: the last two parameters, the first large one, the rest.
        let sizes = [[3, 1], [4096, 2048], [5, 2], [4096, 2048], [2, 2]];
        let parameter = |size: &[i64; 2]| Tensor::ones(size, CPU).set_requires_grad(true);
        let parameters: Vec<Tensor> = sizes.iter().map(parameter).collect();
        let mut reducer = ranks.reducer(parameters.iter()).unwrap();
        let own = ranks.rank() as f64;
        let mut of_step = |step: f64| {
            let factor = |at: usize| 10.0 * at as f64 + own + step;
            let told: Vec<&Tensor> = parameters.iter().take(4).collect();
            let loss = |(at, parameter): (usize, &&Tensor)| (*parameter * factor(at)).sum(None);
            let loss: Tensor = told.iter().enumerate().map(loss).sum();
            let sums = reducer.reduce_during(|| {
                let made = Tensor::run_backward(&[&loss], &told, false, false);
                assert!((0..4).all(|at| filled(&made[at], factor(at))));
                let mut given: Vec<Tensor> = made.iter().map(Tensor::zeros_like).collect();
                given.push(Tensor::full([2, 2], factor(4), CPU));
                given
            });
            let sums = sums.unwrap();
            assert!(sums.iter().zip(sizes).all(|(sum, size)| sum.size() == size));
            (0..5).all(|at| filled(&sums[at], 20.0 * at as f64 + 1.0 + 2.0 * step))
        };
        [of_step(0.0), of_step(7.0)]
    });
    assert_eq!(sums, [[true; 2]; 2]);
}

/// A pass outside tells nothing; and a rank alone gets what it gives.
#[test]
fn whole_gradients_are_added_up_as_they_are() {
    let given = |ranks: &Ranks| {
        let parameter = Tensor::ones([3], CPU).set_requires_grad(true);
        let mut reducer = ranks.reducer([&parameter].into_iter()).unwrap();
        let loss = (&parameter * 5.0).sum(Kind::Float);
        let _ = Tensor::run_backward(&[&loss], &[&parameter], false, false);
        let own = Tensor::full([3], 1.0 + ranks.rank() as f64, CPU);
        let sums = reducer.reduce(vec![own]).unwrap();
        f64::try_from(sums[0].max()).unwrap()
    };
    assert_eq!(on_two(given), [3.0; 2]);
    assert_eq!(given(&Ranks::alone()), 1.0);
}

/// Eight pieces of unequal lengths, one of them of nothing, and none at all.
#[test]
fn dealt_work_is_the_same_for_one_rank_and_two() {
    let worked = |ranks: &Ranks| {
        let mut own = Vec::new();
        let piece = |piece: usize| {
            own.push(piece);
            let number = move |at: usize| (10 * piece + at) as f32;
            Ok::<Vec<f32>, RankError>((0..(piece * 3) % 8).map(number).collect())
        };
        let whole = ranks.partition(9, piece).unwrap();
        let none = ranks
            .partition(0, |_| Ok::<Vec<i64>, RankError>(vec![1]))
            .unwrap();
        (whole, none.len(), own)
    };
    let (whole, none, own) = worked(&Ranks::alone());
    assert_eq!((whole.len(), none, own), (28, 0, (0..9).collect()));
    let both = on_two(worked);
    assert!(both.iter().all(|rank| rank.0 == whole && rank.1 == 0));
    assert_eq!(
        [&both[0].2, &both[1].2],
        [&vec![0, 2, 4, 6, 8], &vec![1, 3, 5, 7]]
    );
}

/// The rank that fails says why, and the other does not wait for it.
#[test]
fn a_rank_that_fails_at_its_part_is_told_of() {
    let said = on_two(|ranks| {
        let work = |piece: usize| match piece {
            3 => Err(RankError::NotBuilt { world: 77 }),
            _ => Ok(vec![0i64; piece]),
        };
        ranks.partition(6, work).unwrap_err().to_string()
    });
    assert!(said[1].contains("77"), "{said:?}");
    assert!(
        said[0].contains("rank 1 has failed at its part"),
        "{said:?}"
    );
}
