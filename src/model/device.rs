//! Where a network runs.

use tch::{Cuda, Device};

use crate::cuda::{self, Arithmetic, CudaError};

/// Reads `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is a GPU if there is one.
///
/// # Errors
/// If the text is none of these, or names a GPU that is not there: asking for one and
/// getting the CPU would be a slow surprise.
pub fn parse_device(text: &str) -> Result<Device, String> {
    let gpus = || usize::try_from(Cuda::device_count()).unwrap_or(0);
    let gpu = |number: usize| match gpus() {
        0 => Err("there is no GPU that this build of libtorch can use".to_owned()),
        count if number >= count => Err(format!("there are {count} GPUs, counted from 0")),
        _ => Ok(Device::Cuda(number)),
    };
    match text {
        "cpu" => Ok(Device::Cpu),
        "auto" if gpus() > 0 => Ok(Device::Cuda(0)),
        "auto" => Ok(Device::Cpu),
        "cuda" => gpu(0),
        _ => match text
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
        {
            Some(number) => gpu(number),
            None => Err("not one of auto, cpu, cuda, cuda:N".to_owned()),
        },
    }
}

/// Has a GPU reckon in f32 without rounding factors, and the same way each time, which is how
/// drawings are scored. A CPU does so already.
///
/// # Errors
/// If libtorch refuses.
pub fn exact_arithmetic(device: Device) -> Result<(), CudaError> {
    if !device.is_cuda() {
        return Ok(());
    }
    cuda::set_arithmetic(Arithmetic {
        tf32: false,
        deterministic: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_refused() {
        assert_eq!(parse_device("cpu"), Ok(Device::Cpu));
        let gpus = usize::try_from(Cuda::device_count()).unwrap();
        assert_eq!(parse_device("auto").unwrap().is_cuda(), gpus > 0);
        assert_eq!(parse_device("cuda").is_ok(), gpus > 0);
        for text in [
            &format!("cuda:{gpus}"),
            "cuda:",
            "cuda:-1",
            "gpu",
            "",
            "CPU",
        ] {
            assert!(parse_device(text).is_err(), "{text}");
        }
    }
}
