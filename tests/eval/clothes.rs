//! The protocol of MNIST's digits on real pictures in its file format: Fashion-MNIST's test set
//! (Xiao et al. 2017), as Debian's package `dataset-fashion-mnist` brings it.

use std::path::Path;

use omnishot::archive::Digits;
use omnishot::eval::{
    Answers, DigitPixels, DigitTasks, DigitTrials, Embeddings, ProtocolRun, Rules, Ties,
};
use omnishot::model::Model;
use omnishot::ranks::Ranks;
use sha2::{Digest, Sha256};
use tch::Device;

const FOLDER: &str = "/usr/share/datasets/fashion-mnist";
const AREA: usize = 28 * 28;

fn clothes() -> Option<Digits> {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no {FOLDER}; apt-get install dataset-fashion-mnist brings it");
        return None;
    }
    let file = |name: &str| folder.join(format!("t10k-{name}-ubyte.gz"));
    Some(Digits::read(&file("images-idx3"), &file("labels-idx1")).unwrap())
}

#[test]
fn clothes_are_read_and_asked_about_as_digits_are() {
    let Some(clothes) = clothes() else { return };
    // As Python's gzip and hashlib have them.
    assert_eq!(clothes.labels().len(), 10_000);
    assert_eq!(clothes.labels()[..8], [9, 2, 1, 1, 6, 1, 4, 6]);
    let mut pixels = Sha256::new();
    (0..10_000).for_each(|at| pixels.update(clothes.image(at)));
    let digest: String = (pixels.finalize().iter().map(|b| format!("{b:02x}"))).collect();
    assert!(digest.starts_with("c867c93ff9536059"), "{digest}");

    let tasks = DigitTasks::new(&clothes, DigitTrials::koch(0)).unwrap();
    let mut run = ProtocolRun::new(tasks.set());
    let (ties, ranks) = (Ties::Against, &Ranks::alone());
    let plain = &DigitPixels::baselines(&clothes)[0];
    run.ask(plain, Rules { ties, ranks }).unwrap();
    let network = Model::pretrained(Device::Cpu);
    let embeddings = Embeddings::of_digits(&network, &clothes, run.set.drawings());
    let network = Answers::of(&embeddings, &run.set, ties).unwrap();

    let far = |a: u32, b: u32| -> u64 {
        let [a, b] = [a, b].map(|at| &clothes.image(at as usize)[..AREA]);
        (a.iter()
            .zip(b)
            .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)))
        .sum()
    };
    let by_hand = (run.set.tasks.iter()).filter(|task| {
        let away: Vec<u64> = (task.support.iter())
            .map(|&at| far(task.query, at))
            .collect();
        (0..10).all(|way| way == task.answer || away[way] > away[task.answer])
    });
    let score = run.scores(0).systems[0].score;
    assert_eq!((score.right, score.asked), (by_hand.count() as u64, 400));
    // Guessing gets 40 of 400, and 64 or more once in 10,000 seeds.
    let network = network.score(&run.set);
    assert!(
        score.right > 64 && network.right > 64,
        "{score:?} {network:?}"
    );
    eprintln!("clothes, 10-way 1-shot: {score:?} by pixels, {network:?} by the network of letters");
}
