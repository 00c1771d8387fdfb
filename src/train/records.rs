//! Records of steps whose losses are still on the device.
//!
//! To read a loss is to wait for all work that was given to the device before. So a GPU keeps
//! the losses of many steps, and they are read together; on a CPU each is read at once.

use tch::{Device, Kind, Tensor};

use super::options::StepRecord;

/// Losses that a GPU keeps before they are read.
const BLOCK: usize = 64;

/// Records without losses, and the losses.
pub(super) struct Records {
    /// A place for each loss.
    losses: Tensor,
    records: Vec<StepRecord>,
}

impl Records {
    pub fn new(device: Device) -> Records {
        let block = if device.is_cuda() { BLOCK } else { 1 };
        Records {
            losses: Tensor::zeros([block as i64], (Kind::Double, device)),
            records: Vec::with_capacity(block),
        }
    }

    /// Adds a step's record, whose loss is the scalar `loss`.
    ///
    /// # Panics
    /// If it is full.
    pub fn push(&mut self, record: StepRecord, loss: &Tensor) {
        let place = self.records.len() as i64;
        self.losses.narrow(0, place, 1).copy_(&loss.view([1]));
        self.records.push(record);
    }

    /// Whether the losses must be read before the next step.
    pub fn is_full(&self) -> bool {
        self.records.len() as i64 == self.losses.size()[0]
    }

    /// Reads the losses, for which it waits, and gives the records with them.
    pub fn resolve(&mut self) -> Vec<StepRecord> {
        let read = self.losses.to_device(Device::Cpu);
        let losses = Vec::<f64>::try_from(read).expect("losses are flat and of f64");
        for (record, loss) in self.records.iter_mut().zip(losses) {
            record.loss = loss;
        }
        std::mem::take(&mut self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_gets_its_own_loss() {
        let record = |step| StepRecord {
            step,
            loss: f64::NAN,
            learning_rate: 0.0,
            validation: None,
            validation_ways: None,
            images_per_second: 0.0,
            waited: 0.0,
            ready: 0,
            checkpoint: false,
        };
        let mut records = Records::new(Device::Cpu);
        // As many as a GPU keeps.
        records.losses = Tensor::zeros([3], (Kind::Double, Device::Cpu));
        for _ in 0..2 {
            for step in 1..4 {
                assert!(!records.is_full());
                records.push(record(step), &Tensor::from(step as f32 / 4.0));
            }
            assert!(records.is_full());
            let resolved = records.resolve();
            let losses: Vec<f64> = resolved.iter().map(|record| record.loss).collect();
            assert_eq!(losses, [0.25, 0.5, 0.75]);
            assert!(records.resolve().is_empty());
        }
    }
}
