//! Convolution and pooling of one image; the twin of `dlcourse.reference.convolution` and `pooling`.

/// An image of C channels, H by W: value (c, i, j) stands at (c·H + i)·W + j.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub data: Vec<f64>,
}

impl Image {
    /// Panics if the number of values is not channels · height · width.
    pub fn new(channels: usize, height: usize, width: usize, data: &[f64]) -> Self {
        let size = channels * height * width;
        assert_eq!(data.len(), size, "Image: expected {channels} x {height} x {width} values");
        Self { channels, height, width, data: data.to_vec() }
    }

    pub fn zeros(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, data: vec![0.0; channels * height * width] }
    }

    fn at(&self, c: usize, i: usize, j: usize) -> usize {
        (c * self.height + i) * self.width + j
    }

    /// Where (i, j) lies once `padding` is taken off; None in the padding, which holds zeros.
    fn inside(&self, i: usize, j: usize, padding: usize) -> Option<(usize, usize)> {
        let (i, j) = (i.checked_sub(padding)?, j.checked_sub(padding)?);
        (i < self.height && j < self.width).then_some((i, j))
    }
}

/// O kernels that slide over an image: y[o, i, j] = bias[o] + Σ weight[o, c, m, n] x[c, i + m, j + n].
///
/// weight is (O, C, K, K), bias (O); the image is taken with `padding` zeros on every side.
/// Source: goodfellow2016, section 9.1. Chapter: 15_convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    pub kernel: usize,
    pub padding: usize,
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

impl Conv2d {
    fn index(&self, channels: usize, o: usize, c: usize, m: usize, n: usize) -> usize {
        ((o * channels + c) * self.kernel + m) * self.kernel + n
    }

    /// Visit every product of the sum: calls f(index in y, index in weight, index in x).
    fn products(&self, x: &Image, mut f: impl FnMut(usize, usize, usize)) {
        let y = self.shape(x);
        for o in 0..y.channels {
            for (i, j) in (0..y.height).flat_map(|i| (0..y.width).map(move |j| (i, j))) {
                for c in 0..x.channels {
                    for (m, n) in (0..self.kernel).flat_map(|m| (0..self.kernel).map(move |n| (m, n))) {
                        if let Some((row, col)) = x.inside(i + m, j + n, self.padding) {
                            f(y.at(o, i, j), self.index(x.channels, o, c, m, n), x.at(c, row, col));
                        }
                    }
                }
            }
        }
    }

    /// An empty output image. Panics if the weights do not fit the image's channels.
    fn shape(&self, x: &Image) -> Image {
        let (k, p, o) = (self.kernel, self.padding, self.bias.len());
        let expected = o * x.channels * k * k;
        assert_eq!(self.weight.len(), expected, "Conv2d: expected weights for {} channels", x.channels);
        Image::zeros(o, x.height + 2 * p + 1 - k, x.width + 2 * p + 1 - k)
    }

    pub fn forward(&self, x: &Image) -> Image {
        let mut y = self.shape(x);
        let size = y.height * y.width;
        y.data.chunks_mut(size).zip(&self.bias).for_each(|(channel, b)| channel.fill(*b));
        self.products(x, |iy, iw, ix| y.data[iy] += self.weight[iw] * x.data[ix]);
        y
    }

    /// The gradients of weight and bias, held in the same struct, and of x.
    pub fn backward(&self, x: &Image, dy: &Image) -> (Conv2d, Image) {
        let mut dx = Image::zeros(x.channels, x.height, x.width);
        let mut grad = Conv2d { weight: vec![0.0; self.weight.len()], ..self.clone() };
        self.products(x, |iy, iw, ix| {
            grad.weight[iw] += dy.data[iy] * x.data[ix];
            dx.data[ix] += dy.data[iy] * self.weight[iw];
        });
        grad.bias = dy.data.chunks(dy.height * dy.width).map(|channel| channel.iter().sum()).collect();
        (grad, dx)
    }
}

/// Keep the largest of each 2 by 2 patch; returns the small image, and where in x its values stood.
///
/// Among equal values the first in reading order counts, as in torch.
/// Source: goodfellow2016, section 9.3. Chapter: 15_convolution.
pub fn max_pool(x: &Image) -> (Image, Vec<usize>) {
    let mut y = Image::zeros(x.channels, x.height / 2, x.width / 2);
    let mut winners = Vec::with_capacity(y.data.len());
    for c in 0..y.channels {
        for (i, j) in (0..y.height).flat_map(|i| (0..y.width).map(move |j| (i, j))) {
            let patch = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(m, n)| x.at(c, 2 * i + m, 2 * j + n));
            let first = |best, at| if x.data[at] > x.data[best] { at } else { best };
            let best = patch.into_iter().fold(patch[0], first);
            y.data[winners.len()] = x.data[best];
            winners.push(best);
        }
    }
    (y, winners)
}

/// Send every gradient to the value that won its patch.
pub fn max_pool_backward(x: &Image, winners: &[usize], dy: &Image) -> Image {
    let mut dx = Image::zeros(x.channels, x.height, x.width);
    winners.iter().zip(&dy.data).for_each(|(at, d)| dx.data[*at] += d);
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_detector_by_hand() {
        let x = Image::new(1, 2, 3, &[1.0, 2.0, 4.0, 0.0, 0.0, 8.0]);
        let conv = Conv2d { kernel: 1, padding: 0, weight: vec![2.0], bias: vec![0.5] };
        assert_eq!(conv.forward(&x).data, [2.5, 4.5, 8.5, 0.5, 0.5, 16.5]);
        let conv = Conv2d { kernel: 2, padding: 0, weight: vec![-1.0, 1.0, 0.0, 0.0], bias: vec![0.0] };
        assert_eq!(conv.forward(&x).data, [1.0, 2.0]);
    }

    #[test]
    fn padding_is_zeros_around_the_image() {
        let x = Image::new(1, 1, 1, &[5.0]);
        let conv = Conv2d { kernel: 3, padding: 1, weight: (0..9).map(f64::from).collect(), bias: vec![0.0] };
        assert_eq!(conv.forward(&x).data, [20.0]); // the kernel's centre alone meets the image
    }

    #[test]
    fn pooling_keeps_the_first_of_equals() {
        let x = Image::new(1, 2, 4, &[0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 2.0, 3.0]);
        let (y, winners) = max_pool(&x);
        assert_eq!((y.data.clone(), winners.clone()), (vec![0.0, 3.0], vec![0, 3]));
        let dx = max_pool_backward(&x, &winners, &Image::new(1, 1, 2, &[7.0, 9.0]));
        assert_eq!(dx.data, [7.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "expected weights for 2 channels")]
    fn a_kernel_for_other_channels_is_refused() {
        let conv = Conv2d { kernel: 1, padding: 0, weight: vec![1.0], bias: vec![0.0] };
        conv.forward(&Image::zeros(2, 3, 3));
    }
}
