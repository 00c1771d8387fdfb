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

impl<T> Parameters<T> {
    /// All of them, layer by layer, the projection last.
    pub fn each(&self) -> impl Iterator<Item = &T> {
        let layers = self.layers.iter();
        layers
            .flat_map(|layer| [&layer.kernel, &layer.scale, &layer.shift])
            .chain([&self.project])
    }

    /// The same, owned.
    pub fn into_each(self) -> impl Iterator<Item = T> {
        let layers = self.layers.into_iter();
        layers
            .flat_map(|layer| [layer.kernel, layer.scale, layer.shift])
            .chain([self.project])
    }

    /// What `of` makes of each, in the order of [`Parameters::each`].
    pub fn map<'a, U>(&'a self, mut of: impl FnMut(&'a T) -> U) -> Parameters<U> {
        let layers = self.layers.iter().map(|layer| Layer {
            kernel: of(&layer.kernel),
            scale: of(&layer.scale),
            shift: of(&layer.shift),
        });
        Parameters {
            layers: layers.collect(),
            project: of(&self.project),
        }
    }
}
