//! Every crate of this member does something a chapter needs, and its numbers are checked.

use dlcourse_arrays::{BLUE, INK, ORANGE};
use ndarray::{Array2, array};
use plotters::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Normal, StandardNormal};

#[test]
fn ndarray_forward_pass() {
    let x = array![[0.3, 0.8, 0.5]];
    let weight = array![[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]]; // (O, I)
    let y = (x.dot(&weight.t()) + array![0.5, 0.0]).mapv(|z: f64| z.max(0.0));
    let expected: Array2<f64> = array![[0.84, 0.2]];
    assert!((y - expected).iter().all(|d| d.abs() < 1e-12));
}

#[test]
#[should_panic(expected = "are not compatible for matrix multiplication")]
fn ndarray_notices_wrong_shapes_at_run_time() {
    let _ = Array2::<f64>::zeros((2, 3)).dot(&Array2::<f64>::zeros((2, 3)));
}

#[test]
fn a_seed_fixes_the_stream() {
    let draw = |seed| -> Vec<f64> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..5).map(|_| rng.random_range(-1.0..1.0)).collect()
    };
    assert_eq!(draw(42), draw(42));
    assert_ne!(draw(42), draw(43));
    assert!(draw(42).iter().all(|u| (-1.0..1.0).contains(u)));
}

#[test]
fn normal_samples_have_the_moments_asked_for() {
    let mut rng = StdRng::seed_from_u64(0);
    let normal = Normal::new(3.0, 0.5).unwrap();
    let n = 50_000;
    let mean = (0..n).map(|_| normal.sample(&mut rng)).sum::<f64>() / f64::from(n);
    assert!((mean - 3.0).abs() < 0.01, "{mean}");
    let z: f64 = StandardNormal.sample(&mut rng);
    assert!(z.is_finite());
}

/// The scatter of chapter 07: two squares of points, drawn as SVG.
fn scatter() -> String {
    let mut rng = StdRng::seed_from_u64(7);
    let mut points = |low: f64| -> Vec<(f64, f64)> {
        (0..25).map(|_| (low + 5.0 * rng.random::<f64>(), low + 5.0 * rng.random::<f64>())).collect()
    };
    let (red, blue) = (points(0.0), points(5.0));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (400, 300)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(25)
            .y_label_area_size(30)
            .build_cartesian_2d(0.0..10.0, 0.0..10.0)
            .unwrap();
        chart.configure_mesh().axis_style(INK).label_style(("sans-serif", 12, &INK)).draw().unwrap();
        for (points, colour) in [(red, ORANGE), (blue, BLUE)] {
            chart.draw_series(points.into_iter().map(|p| Circle::new(p, 3, colour.filled()))).unwrap();
        }
        area.present().unwrap();
    }
    svg
}

#[test]
fn plotters_draws_the_same_svg_every_time() {
    let svg = scatter();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(svg.matches("<circle").count(), 50);
    let labels: Vec<&str> = svg.lines().filter(|line| line.trim() == "10.0").collect();
    assert_eq!(labels.len(), 2, "both axes are labelled, without a system font");
    assert_eq!(svg, scatter());
}
