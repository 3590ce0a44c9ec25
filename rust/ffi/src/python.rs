//! The extension module `dlcourse_ffi`: NumPy arrays in, NumPy arrays out, errors as Python exceptions.

use numpy::ndarray::Dimension;
use numpy::{
    Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::{caught, layer, mlp};

fn raised(message: String) -> PyErr {
    if message.starts_with("panic") {
        PyRuntimeError::new_err(message)
    } else {
        PyValueError::new_err(message)
    }
}

/// The values row by row. `as_slice` alone would also give the columns of a transposed array, in their order.
fn rows<'a, T: Element, D: Dimension>(array: &'a PyReadonlyArray<'_, T, D>) -> PyResult<&'a [T]> {
    if !array.is_c_contiguous() {
        return Err(PyValueError::new_err("expected an array in C order; np.ascontiguousarray copies"));
    }
    Ok(array.as_slice()?)
}

/// affine(x, weight, bias): x Wᵀ + b for float64 arrays x (N, I), weight (O, I), bias (O), in C order.
///
/// Raises ValueError for shapes that do not fit and TypeError for another dtype or rank.
#[pyfunction]
fn affine<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, f64>,
    weight: PyReadonlyArray2<'py, f64>,
    bias: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (n, inputs, outputs) = (x.shape()[0], x.shape()[1], bias.shape()[0]);
    if weight.shape() != [outputs, inputs] {
        let got = weight.shape();
        let text = format!("affine: expected weight ({outputs}, {inputs}), got ({}, {})", got[0], got[1]);
        return Err(PyValueError::new_err(text));
    }
    let y = PyArray2::zeros(py, [n, outputs], false);
    {
        let mut out = y.readwrite();
        let (x, weight, bias, out) = (rows(&x)?, rows(&weight)?, rows(&bias)?, out.as_slice_mut()?);
        // Python may run other threads meanwhile: nothing here touches a Python object.
        py.detach(|| caught(|| layer::affine(x, weight, bias, out))).map_err(raised)?;
    }
    Ok(y)
}

/// cross_entropy(scores, targets): the mean loss of scores (N, C), float64, and targets (N), uint64.
///
/// Raises ValueError for shapes that do not fit and RuntimeError for a panic, as a target that is no class causes.
#[pyfunction]
fn cross_entropy(
    py: Python<'_>,
    scores: PyReadonlyArray2<'_, f64>,
    targets: PyReadonlyArray1<'_, u64>,
) -> PyResult<f64> {
    let (scores, targets) = (rows(&scores)?, rows(&targets)?);
    py.detach(|| caught(|| layer::cross_entropy(scores, targets))).map_err(raised)
}

/// Mlp(layers): a network of pairs (weight (O, I), bias (O)), float64 in C order, first layer first.
#[pyclass(frozen)]
struct Mlp {
    net: mlp::Mlp,
}

#[pymethods]
impl Mlp {
    #[new]
    fn new(layers: Vec<(PyReadonlyArray2<'_, f64>, PyReadonlyArray1<'_, f64>)>) -> PyResult<Self> {
        let inputs = layers.first().map_or(0, |(weight, _)| weight.shape()[1]);
        let mut parts = Vec::new();
        for (weight, bias) in &layers {
            parts.push((rows(weight)?.to_vec(), rows(bias)?.to_vec()));
        }
        Ok(Self { net: mlp::Mlp::new(inputs, parts).map_err(raised)? })
    }

    /// predict(x): the scores (N, O) of x (N, I), float64 in C order.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let [n, i] = [x.shape()[0], x.shape()[1]];
        if i != self.net.inputs() {
            let text = format!("predict: expected x (N, {}), got ({n}, {i})", self.net.inputs());
            return Err(PyValueError::new_err(text));
        }
        let x = rows(&x)?;
        let scores = py.detach(|| caught(|| self.net.scores(x))).map_err(raised)?;
        PyArray1::from_vec(py, scores).reshape([n, self.net.outputs()])
    }
}

#[pymodule]
fn dlcourse_ffi(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(affine, module)?)?;
    module.add_function(wrap_pyfunction!(cross_entropy, module)?)?;
    module.add_class::<Mlp>()
}
