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

#[test]
fn nalgebra_knows_sizes_at_compile_time() {
    use nalgebra::{SMatrix, Vector3};
    let weight = SMatrix::<f64, 2, 3>::new(0.1, 0.2, 0.3, -1.0, 0.0, 1.0);
    let y = weight * Vector3::new(0.3, 0.8, 0.5); // (2, 3) times (3, 1); another size does not compile
    assert!((y.x - 0.34).abs() < 1e-12 && (y.y - 0.2).abs() < 1e-12);
}

#[test]
fn rayon_sums_the_books_squares() {
    use rayon::prelude::*;
    let parallel: u64 = (0..1_000_000u64).into_par_iter().map(|x| x * x).sum();
    assert_eq!(parallel, 333_332_833_333_500_000);
}

#[test]
fn csv_streams_rows() -> anyhow::Result<()> {
    let text = "feature1,feature2\n1.5,2\n3,4\n";
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().collect::<Result<Vec<(f64, f64)>, _>>()?;
    assert_eq!(rows, [(1.5, 2.0), (3.0, 4.0)]);
    Ok(())
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Layer {
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

#[test]
fn serde_keeps_a_model_as_json_and_as_bytes() -> anyhow::Result<()> {
    let layer = Layer { weight: vec![vec![0.1, -2.0]], bias: vec![f64::MIN_POSITIVE] };
    let json = serde_json::to_string(&layer)?;
    assert_eq!(serde_json::from_str::<Layer>(&json)?, layer);
    let bytes = postcard::to_stdvec(&layer)?;
    assert_eq!(postcard::from_bytes::<Layer>(&bytes)?, layer);
    assert_eq!(bytes.len(), 3 * 8 + 3); // three numbers, three lengths of a byte each
    Ok(())
}

#[test]
fn autodiff_agrees_with_our_dual_numbers() {
    use autodiff::{F1, Float};
    let f = |v: &[F1]| v[0] * v[1].sin() + v[1] * v[1];
    let theirs = autodiff::grad(f, &[1.0, 2.0]);
    let ours = dlcourse::dual::gradient(|v| v[0] * v[1].sin() + v[1] * v[1], &[1.0, 2.0]);
    assert!(theirs.iter().zip(&ours).all(|(a, b)| (a - b).abs() < 1e-15), "{theirs:?} {ours:?}");
}

#[test]
fn image_writes_and_reads_a_png() -> anyhow::Result<()> {
    let gradient = image::GrayImage::from_fn(8, 4, |x, y| image::Luma([(x * 10 + y) as u8]));
    let mut png = std::io::Cursor::new(Vec::new());
    gradient.write_to(&mut png, image::ImageFormat::Png)?;
    assert_eq!(image::load_from_memory(png.get_ref())?.into_luma8(), gradient);
    Ok(())
}

#[test]
fn linfa_separates_two_clouds_with_and_without_labels() -> anyhow::Result<()> {
    use linfa::prelude::*;
    use ndarray_of_linfa::{Array1, Array2};
    let mut rng = StdRng::seed_from_u64(7);
    let labels = Array1::from_iter((0..200).map(|i| i % 2));
    let x = Array2::from_shape_fn((200, 2), |(i, _)| 5.0 * (i % 2) as f64 + 4.0 * rng.random::<f64>());
    let data = linfa::Dataset::new(x, labels.clone());
    let logistic = linfa_logistic::LogisticRegression::default().fit(&data)?;
    assert!(logistic.predict(&data).confusion_matrix(&data)?.accuracy() > 0.99);
    let groups = linfa_clustering::KMeans::params(2).fit(&data)?.predict(&data);
    let together =
        groups.iter().zip(&labels).filter(|(g, l)| (**g == groups[0]) == (**l == labels[0])).count();
    assert!(together > 198, "{together} of 200");
    Ok(())
}

#[test]
fn tokio_runs_a_pipeline() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let total = runtime.block_on(async {
        let (send, mut receive) = tokio::sync::mpsc::channel(2); // the producer waits when two batches lie ready
        tokio::spawn(async move {
            for batch in 0..5u64 {
                send.send((0..10).map(|i| batch * 10 + i).sum::<u64>()).await.unwrap();
            }
        });
        let mut total = 0;
        while let Some(batch) = receive.recv().await {
            total += batch;
        }
        total
    });
    assert_eq!(total, (0..50).sum::<u64>());
}

#[test]
fn anyhow_keeps_the_whole_story() {
    use anyhow::Context;
    let parse = |text: &str| text.parse::<f64>().with_context(|| format!("row 3, value {text:?}"));
    let error = parse("x").unwrap_err();
    assert_eq!(format!("{error:#}"), "row 3, value \"x\": invalid float literal");
}
