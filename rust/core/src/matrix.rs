//! A matrix of numbers, row by row in one vector: just enough linear algebra for the layers of this crate.

use std::ops::{Index, IndexMut};

use crate::rng::Rng;

/// `rows` by `cols` numbers; element (i, j) stands at i·cols + j.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<f64>,
}

impl Matrix {
    /// Panics if the number of values is not rows · cols.
    pub fn new(rows: usize, cols: usize, data: &[f64]) -> Self {
        assert_eq!(data.len(), rows * cols, "Matrix: expected {rows} x {cols} values");
        Self { rows, cols, data: data.to_vec() }
    }

    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// Values from U(-bound, bound).
    pub fn uniform(rows: usize, cols: usize, bound: f64, rng: &mut Rng) -> Self {
        Self { rows, cols, data: (0..rows * cols).map(|_| rng.uniform(-bound, bound)).collect() }
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..][..self.cols]
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.cols..][..self.cols]
    }

    /// The rows from..to as a matrix of their own.
    pub fn rows(&self, from: usize, to: usize) -> Self {
        Self::new(to - from, self.cols, &self.data[from * self.cols..to * self.cols])
    }

    /// A v.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        assert_eq!(v.len(), self.cols, "Matrix: expected a vector of {} values", self.cols);
        (0..self.rows).map(|i| dot(self.row(i), v)).collect()
    }

    /// Aᵀ v, which is what pushes a gradient back through A.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        assert_eq!(v.len(), self.rows, "Matrix: expected a vector of {} values", self.rows);
        let mut out = vec![0.0; self.cols];
        for (i, v) in v.iter().enumerate() {
            add_scaled(&mut out, *v, self.row(i));
        }
        out
    }

    /// A ← A + u vᵀ: how one sample adds to the gradient of a weight matrix.
    pub fn add_outer(&mut self, u: &[f64], v: &[f64]) {
        assert_eq!((u.len(), v.len()), (self.rows, self.cols), "Matrix: expected vectors of these lengths");
        for (i, u) in u.iter().enumerate() {
            add_scaled(self.row_mut(i), *u, v);
        }
    }

    /// X Aᵀ + b for every row x of X: an affine map of a whole sequence.
    pub fn affine(&self, x: &Matrix, bias: &[f64]) -> Self {
        let mut y = Self::zeros(x.rows, self.rows);
        for i in 0..x.rows {
            let z = self.times(x.row(i));
            y.row_mut(i).iter_mut().zip(z.iter().zip(bias)).for_each(|(y, (z, b))| *y = z + b);
        }
        y
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.data[i * self.cols + j]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.data[i * self.cols + j]
    }
}

/// Σ aᵢ bᵢ. Panics if the lengths differ.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "dot: expected vectors of one length");
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// y ← y + s x.
pub fn add_scaled(y: &mut [f64], s: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += s * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        let a = Matrix::new(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(a.times(&[1.0, 0.0, -1.0]), [-2.0, -2.0]);
        assert_eq!(a.transposed_times(&[1.0, -1.0]), [-3.0, -3.0, -3.0]);
        assert_eq!(a.affine(&Matrix::new(1, 3, &[1.0, 1.0, 1.0]), &[0.5, 0.0]).data, [6.5, 15.0]);
        assert_eq!((a[(1, 0)], a.rows(1, 2).data), (4.0, vec![4.0, 5.0, 6.0]));
    }

    #[test]
    fn an_outer_product_is_added() {
        let mut a = Matrix::new(2, 2, &[1.0; 4]);
        a.add_outer(&[1.0, 2.0], &[3.0, 4.0]);
        assert_eq!(a.data, [4.0, 5.0, 7.0, 9.0]);
    }

    #[test]
    #[should_panic(expected = "expected a vector of 3 values")]
    fn a_wrong_length_is_refused() {
        Matrix::zeros(2, 3).times(&[1.0]);
    }
}
