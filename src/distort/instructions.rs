//! Which of a processor's instructions drawing may use: never what is drawn, only how fast.

use std::env;

use super::DistortionError;

/// A kind of instructions; each is faster than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Those that every processor has.
    Scalar,
    /// AVX2 and FMA: 256 bits at a time.
    Avx2,
    /// AVX-512 (F, BW, VL, VBMI and VNNI: Intel from 2019 on, AMD from 2022 on): 512 bits at a time.
    Avx512,
}

impl Instructions {
    /// The environment's name for [`Instructions::chosen`].
    pub const VARIABLE: &str = "OMNISHOT_INSTRUCTIONS";

    /// The best that this processor has. The vector forms lean on it: they use what it names.
    #[cfg(target_arch = "x86_64")]
    #[must_use]
    pub fn best() -> Instructions {
        let two = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let five = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vnni");
        match (two, five) {
            (true, true) => Instructions::Avx512,
            (true, false) => Instructions::Avx2,
            (false, _) => Instructions::Scalar,
        }
    }

    /// The best that this processor has.
    #[cfg(not(target_arch = "x86_64"))]
    #[must_use]
    pub fn best() -> Instructions {
        Instructions::Scalar
    }

    /// The best, or less if the environment says so: `OMNISHOT_INSTRUCTIONS` is `scalar`, `avx2`
    /// or `avx512`. For benches, and for machines on which wide instructions slow other work down.
    ///
    /// # Errors
    /// [`DistortionError::Instructions`] if it is anything else.
    pub fn chosen() -> Result<Instructions, DistortionError> {
        match env::var_os(Instructions::VARIABLE) {
            None => Ok(Instructions::best()),
            Some(name) => {
                let name = name.to_string_lossy();
                Ok(Instructions::named(&name)?.min(Instructions::best()))
            }
        }
    }

    /// The kind of this name.
    fn named(name: &str) -> Result<Instructions, DistortionError> {
        match name {
            "scalar" => Ok(Instructions::Scalar),
            "avx2" => Ok(Instructions::Avx2),
            "avx512" => Ok(Instructions::Avx512),
            _ => Err(DistortionError::Instructions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_kinds_and_others_are_refused() {
        assert_eq!(Instructions::named("scalar"), Ok(Instructions::Scalar));
        assert_eq!(Instructions::named("avx2"), Ok(Instructions::Avx2));
        assert_eq!(Instructions::named("avx512"), Ok(Instructions::Avx512));
        let error = Instructions::named("sse").unwrap_err().to_string();
        assert!(error.contains(Instructions::VARIABLE), "{error}");
    }
}
