//! What is computed on either side of the border; all arrays row by row, in memory that the caller owns.

/// y = x Wᵀ + b: x (N, I), weight (O, I), bias (O), y (N, O), which is overwritten.
pub fn affine(x: &[f64], weight: &[f64], bias: &[f64], y: &mut [f64]) -> Result<(), String> {
    let outputs = bias.len();
    if outputs == 0 || weight.is_empty() || !weight.len().is_multiple_of(outputs) {
        return Err(format!(
            "affine: expected weight (O, I) for {outputs} biases, got {} values",
            weight.len()
        ));
    }
    let inputs = weight.len() / outputs;
    let rows = y.len() / outputs;
    if x.len() != rows * inputs || y.len() != rows * outputs {
        return Err(format!(
            "affine: expected x (N, {inputs}) and y (N, {outputs}), got {} and {} values",
            x.len(),
            y.len()
        ));
    }
    for (row, out) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
        for ((w, b), out) in weight.chunks_exact(inputs).zip(bias).zip(out) {
            *out = b + row.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
        }
    }
    Ok(())
}

/// The mean of -log softmax(scores)[target]: scores (N, C), one target a row.
///
/// Panics where a target is no class, as an index out of bounds does: the border has to catch it.
pub fn cross_entropy(scores: &[f64], targets: &[u64]) -> Result<f64, String> {
    if targets.is_empty() || scores.is_empty() || !scores.len().is_multiple_of(targets.len()) {
        let (values, rows) = (scores.len(), targets.len());
        return Err(format!("cross_entropy: expected scores (N, C) for {rows} targets, got {values} values"));
    }
    let classes = scores.len() / targets.len();
    let loss = |(row, target): (&[f64], &u64)| {
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|s| (s - top).exp()).sum();
        sum.ln() + top - row[*target as usize]
    };
    Ok(scores.chunks_exact(classes).zip(targets).map(loss).sum::<f64>() / targets.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affine_map_checked_by_hand() {
        let mut y = [0.0; 4];
        affine(&[1.0, 2.0, 0.0, 1.0], &[1.0, 1.0, 2.0, -1.0], &[0.5, 0.0], &mut y).unwrap();
        assert_eq!(y, [3.5, 0.0, 1.5, -1.0]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let said = affine(&[1.0; 3], &[1.0; 4], &[0.0; 2], &mut [0.0; 4]).unwrap_err();
        assert_eq!(said, "affine: expected x (N, 2) and y (N, 2), got 3 and 4 values");
    }

    #[test]
    fn equal_scores_cost_the_logarithm_of_the_classes() {
        let loss = cross_entropy(&[1e3; 6], &[0, 2]).unwrap();
        assert!((loss - 3f64.ln()).abs() < 1e-12);
    }
}
