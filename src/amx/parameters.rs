//! What the network learns, in the order of its layers.

/// What a convolution and the norm after it learn: `kernel` `[to, from, width, width]`, and a `scale` and
/// a `shift` for each channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer<T> {
    /// `[to, from, width, width]`.
    pub kernel: T,
    /// `[to]`.
    pub scale: T,
    /// `[to]`.
    pub shift: T,
}

/// What the network learns up to the norm of its embeddings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters<T> {
    /// The stem; then of each block the first convolution, the second, and the shortcut.
    pub layers: Vec<Layer<T>>,
    /// `[dimensions, features]`.
    pub project: T,
}
