//! Named arrays in a text file, one a line: the name, then the values. So two languages exchange test data.

use std::collections::HashMap;
use std::path::Path;

/// The arrays of one file, flattened.
pub struct Fixture(HashMap<String, Vec<f64>>);

impl Fixture {
    /// Read `name`.txt in the folder that the environment variable DLCOURSE_FIXTURES names.
    ///
    /// Panics with a message that says what is missing or malformed.
    pub fn load(name: &str) -> Self {
        let folder =
            std::env::var("DLCOURSE_FIXTURES").expect("DLCOURSE_FIXTURES: the folder of the fixtures");
        let path = Path::new(&folder).join(format!("{name}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let parse = |line: &str| {
            let (name, values) = line.split_once(' ').expect("a name and values");
            let values = values.split(' ').map(|v| v.parse().expect("a number"));
            (name.to_string(), values.collect())
        };
        Self(text.lines().map(parse).collect())
    }

    /// The values of one array. Panics if it is not in the file.
    pub fn array(&self, name: &str) -> &[f64] {
        self.0.get(name).unwrap_or_else(|| panic!("no array {name} in the fixture"))
    }

    /// The same values in single precision.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.array(name).iter().map(|v| *v as f32).collect()
    }

    /// The same values as rows of `width`.
    pub fn rows(&self, name: &str, width: usize) -> Vec<Vec<f64>> {
        self.array(name).chunks(width).map(<[f64]>::to_vec).collect()
    }

    /// Panics unless `got` equals the array of this name within `tolerance`, relative to its largest value.
    pub fn assert_close(&self, name: &str, got: &[f64], tolerance: f64) {
        let wanted = self.array(name);
        assert_eq!(got.len(), wanted.len(), "{name}: number of values");
        let scale = wanted.iter().fold(1e-300f64, |m, w| m.max(w.abs()));
        for (g, w) in got.iter().zip(wanted) {
            assert!((g - w).abs() <= tolerance * scale, "{name}: got {g:e}, expected {w:e}");
        }
    }
}
