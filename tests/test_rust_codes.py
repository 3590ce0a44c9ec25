"""The error codes that the chapters teach: each program earns exactly its code, and one edit repairs it."""

import os
import shutil
from typing import NamedTuple

import pytest

from dlcourse.course.rust import compile_and_run, toolchain

pytestmark = pytest.mark.skipif(
    not shutil.which("rustc") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST
)


class Pair(NamedTuple):
    """A program that rustc refuses, and the replacement (wrong, right) after which it prints `prints`."""

    broken: str
    wrong: str
    right: str
    prints: str

    @property
    def repaired(self):
        assert self.broken.count(self.wrong) == 1, f"expected {self.wrong!r} once"
        return self.broken.replace(self.wrong, self.right)


PAIRS = {
    "E0382": Pair(  # used after it was moved
        """
        fn norm(v: Vec<f64>) -> f64 { v.iter().map(|x| x * x).sum::<f64>().sqrt() }
        fn main() {
            let gradient = vec![3.0, 4.0];
            let length = norm(gradient);
            println!("{length} {}", gradient.len());
        }
        """,
        "norm(gradient)",
        "norm(gradient.clone())",
        "5 2",
    ),
    "E0499": Pair(  # two mutable borrows at once
        """
        fn main() {
            let mut weights = [1.0, 2.0];
            let (first, second) = (&mut weights[0], &mut weights[1]);
            std::mem::swap(first, second);
            println!("{weights:?}");
        }
        """,
        "let (first, second) = (&mut weights[0], &mut weights[1]);",
        "let [first, second] = &mut weights;",
        "[2.0, 1.0]",
    ),
    "E0502": Pair(  # changed while it is read
        """
        fn main() {
            let mut losses = vec![0.9, 0.5];
            let best = &losses[1];
            losses.push(0.7);
            println!("{best} of {}", losses.len());
        }
        """,
        "&losses[1]",
        "losses[1]",
        "0.5 of 3",
    ),
    "E0505": Pair(  # moved away while it is borrowed
        """
        fn main() {
            let layer = vec![0.1, 0.2];
            let bias = layer.last();
            let network = vec![layer];
            println!("{bias:?} {}", network.len());
        }
        """,
        "layer.last()",
        "layer.last().copied()",
        "Some(0.2) 1",
    ),
    "E0596": Pair(  # borrowed as mutable, but declared without mut
        """
        fn main() {
            let batch: Vec<i32> = Vec::new();
            batch.push(7);
            println!("{batch:?}");
        }
        """,
        "let batch",
        "let mut batch",
        "[7]",
    ),
    "E0594": Pair(  # assigned to through something that is not mutable
        """
        struct Unit { bias: f64 }
        fn step(unit: &Unit) { unit.bias += 0.5; }
        fn main() {
            let mut unit = Unit { bias: 1.0 };
            step(&mut unit);
            println!("{}", unit.bias);
        }
        """,
        "unit: &Unit",
        "unit: &mut Unit",
        "1.5",
    ),
    "E0106": Pair(  # a reference is returned: whose?
        """
        fn longer(a: &str, b: &str) -> &str { if a.len() >= b.len() { a } else { b } }
        fn main() { println!("{}", longer("relu", "sigmoid")); }
        """,
        "longer(a: &str, b: &str) -> &str",
        "longer<'a>(a: &'a str, b: &'a str) -> &'a str",
        "sigmoid",
    ),
    "E0597": Pair(  # what is borrowed does not live long enough
        """
        fn main() {
            let last;
            {
                let batch = vec![1, 2, 3];
                last = batch.last();
            }
            println!("{last:?}");
        }
        """,
        "batch.last()",
        "batch.last().copied()",
        "Some(3)",
    ),
    "E0277": Pair(  # a trait is not implemented for this type
        """
        fn main() {
            let (sum, count) = (6.0, 4);
            println!("{}", sum / count);
        }
        """,
        "sum / count",
        "sum / f64::from(count)",
        "1.5",
    ),
    "E0308": Pair(  # another type was expected
        """
        fn scale(x: f64) -> f64 { 2.0 * x }
        fn main() { println!("{}", scale(3)); }
        """,
        "scale(3)",
        "scale(3.0)",
        "6",
    ),
    "E0384": Pair(  # assigned twice, but declared without mut
        """
        fn main() {
            let rate = 0.1;
            print!("{rate} ");
            rate = 0.05;
            println!("{rate}");
        }
        """,
        "let rate",
        "let mut rate",
        "0.1 0.05",
    ),
    "E0004": Pair(  # a match that forgets a case
        """
        enum Activation { Relu, Tanh }
        fn apply(f: Activation, z: f64) -> f64 {
            match f { Activation::Relu => z.max(0.0) }
        }
        fn main() { println!("{} {}", apply(Activation::Relu, -1.0), apply(Activation::Tanh, 0.0)); }
        """,
        "z.max(0.0) }",
        "z.max(0.0), Activation::Tanh => z.tanh() }",
        "0 0",
    ),
    "E0373": Pair(  # a thread may outlive what its closure borrows
        """
        fn main() {
            let batch = vec![1, 2, 3];
            let worker = std::thread::spawn(|| batch.iter().sum::<i32>());
            println!("{}", worker.join().unwrap());
        }
        """,
        "spawn(||",
        "spawn(move ||",
        "6",
    ),
    "E0599": Pair(  # no such method on this type
        """
        fn main() {
            let x: f64 = 1.0;
            println!("{:?}", x.checked_div(0.0));
        }
        """,
        "x.checked_div(0.0)",
        "Some(x / 0.0).filter(|y| y.is_finite())",
        "None",
    ),
    "E0184": Pair(  # Copy and Drop exclude each other
        """
        #[derive(Clone, Copy)]
        struct Layer(u8);
        impl Drop for Layer { fn drop(&mut self) { println!("layer {} gone", self.0); } }
        fn main() { let _layer = Layer(1); }
        """,
        "Clone, Copy",
        "Clone",
        "layer 1 gone",
    ),
    "E0425": Pair(  # no such name here
        """
        fn main() { println!("{}", sigmoid(0.0)); }
        """,
        "fn main",
        "fn sigmoid(z: f64) -> f64 { 1.0 / (1.0 + (-z).exp()) }\nfn main",
        "0.5",
    ),
    "E0432": Pair(  # no such crate or module: rand is not in the standard library
        """
        use rand::random;
        fn main() { println!("{}", random(1) != random(2)); }
        """,
        "use rand::random;",
        "fn random(seed: u64) -> u64 { seed.wrapping_mul(6364136223846793005).rotate_left(17) }",
        "true",
    ),
}


@pytest.mark.parametrize("code", PAIRS)
def test_a_program_earns_exactly_its_code_and_one_edit_repairs_it(code):
    pair = PAIRS[code]
    broken = compile_and_run(pair.broken)
    assert not broken.compiled and broken.codes == (code,), broken.stderr
    assert f"error[{code}]" in broken.stderr
    repaired = compile_and_run(pair.repaired)
    assert (repaired.returncode, repaired.stdout) == (0, f"{pair.prints}\n"), repaired.stderr
