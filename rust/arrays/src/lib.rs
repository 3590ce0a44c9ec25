//! Small helpers for cells under `--crates arrays`: the course's colours, and charts on a transparent ground.

use plotters::prelude::RGBColor;

/// The ink of every figure: readable on a light and on a dark page.
pub const INK: RGBColor = RGBColor(118, 118, 118);
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
