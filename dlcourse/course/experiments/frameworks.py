"""Experiments of 23_frameworks: five stacks train the same networks from the same weights; what it costs.

Every run is a process of its own, in Python as in Rust, on one thread: start-up and memory compare.
The Rust programs use the networks of the workspace's members (rust/tch, rust/candle, rust/burn).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dlcourse import checkpoint
from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits

CHAPTER = "23_frameworks"
STACKS = ("numpy", "torch", "tch", "candle", "burn")
NETS = {"mlp": 20, "cnn": 15}  # epochs
SETTINGS = tuple({"stack": stack, "net": net} for net in NETS for stack in STACKS)
ANY = float("inf")  # times and sizes belong to a machine: another one may measure anything


# --- The same start for all -----------------------------------------------------------------------------


def first_weights(net, seed):
    """The weights that every stack starts from, by torch's names, in float32."""
    from dlcourse.pytorch import CNN, MLP

    rng = np.random.default_rng(seed)
    made = MLP([64, 64, 10], rng=rng) if net == "mlp" else CNN(dropout=0.0, rng=rng)
    return {name: array.detach().numpy().copy() for name, array in made.state_dict().items()}


def prepare(folder, net, seed):
    """Write data and weights for all stacks: safetensors, and for burn lines of text."""
    x, y, x_test, y_test = digits(seed, dtype=np.float32)
    data = {"x": x, "y": y, "x_test": x_test, "y_test": y_test}
    weights = first_weights(net, seed)
    checkpoint.save(Path(folder) / "digits.safetensors", data)
    checkpoint.save(Path(folder) / f"{net}.safetensors", weights)
    named = data | {f"{net}.{name}": array for name, array in weights.items()}
    (Path(folder) / f"{net}.txt").write_text("\n".join(line(name, a) for name, a in named.items()))


def line(name, array):
    """A name and numbers, as the program in burn reads them."""
    return f"{name} " + " ".join(map(repr, np.ravel(array).tolist()))


# --- One process ----------------------------------------------------------------------------------------


def command(stack, net):
    """The words that start a stack's program, and the environment it needs; Rust is built at first use."""
    if stack in ("numpy", "torch"):
        text = numpy_program() if stack == "numpy" else torch_program()
        return [sys.executable, "-c", text], {}
    built = build(stack)
    return [str(built.program)], built.environment


def build(stack):
    """The Rust program of a stack, optimised: what `%%rust --release` makes of it."""
    from dlcourse.course.rust import compiler

    text = {"tch": tch_program, "candle": candle_program, "burn": burn_program}[stack]()
    built = compiler.build(text, release=True, member=stack)
    if built.program is None:
        raise RuntimeError(built.plain)
    return built


def run(stack, net, folder, mode):
    """Run one process; `mode` is train, epoch or start. Return what it printed, and its processor seconds."""
    words, extra = command(stack, net)
    one = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    before = processor()
    done = subprocess.run(
        [*words, str(folder), net, mode],
        env=os.environ | extra | one,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), processor() - before


def processor():
    """Processor seconds of all child processes that have ended."""
    try:
        import resource
    except ImportError:  # Windows counts in hundredths of a second only
        times = os.times()
        return times.children_user + times.children_system
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lines_of(text):
    """Lines of code: neither blank nor only a comment."""
    stripped = (s.strip() for s in text.splitlines())
    return sum(bool(s) and not s.startswith(("//", "#", '"""')) for s in stripped)


# --- The records ----------------------------------------------------------------------------------------


@experiment(CHAPTER, "accuracy", SETTINGS, seeds=5, band={"accuracy": 0.012, "loss": 0.01})
def accuracy(seed, *, stack, net):
    """Test accuracy and final training loss of one network in one stack."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, net, seed)
        result, _ = run(stack, net, folder, "train")
    return {"accuracy": result["accuracy"], "loss": result["loss"]}


@experiment(
    CHAPTER,
    "costs",
    SETTINGS,
    seeds=3,
    band=dict.fromkeys(("epoch", "latency", "start", "memory", "binary"), ANY),
)
def costs(seed, *, stack, net):
    """Processor seconds of an epoch, an answer, command to first answer; peak memory and program in MB."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, net, seed)
        trained, _ = run(stack, net, folder, "epoch")
        starts = [run(stack, net, folder, "start")[1] for _ in range(3)]
    binary = os.path.getsize(build(stack).program) / 2**20 if stack not in ("numpy", "torch") else 0.0
    return {
        "epoch": trained["epoch"],
        "latency": trained["latency"],
        "start": min(starts),
        "memory": trained["memory"],
        "binary": binary,
    }


@experiment(
    CHAPTER, "builds", [{"stack": s} for s in STACKS[2:]], seeds=3, band={"seconds": ANY, "crates": 0}
)
def builds(seed, *, stack):
    """Processor seconds in which rustc makes a program of a cell, its crates being there; their number."""
    from dlcourse.course.rust import compiler, crates, toolchain

    text = {"tch": tch_program, "candle": candle_program, "burn": burn_program}[stack]()
    rust, linked = toolchain.toolchain(), crates.prepare(stack)
    with tempfile.TemporaryDirectory() as folder:
        before = processor()
        flags = ["-Copt-level=3", "-Awarnings", *linked.flags]
        compiler._compile(rust, {"cell.rs": text}, flags, Path(folder) / "entry" / "cell")
        seconds = processor() - before
    return {"seconds": seconds, "crates": crates_of(stack)}


def crates_of(stack):
    """How many crates a program in this stack is made of, by `cargo tree` on the locked versions."""
    from dlcourse.course.rust import crates, toolchain

    rust = toolchain.toolchain()
    words = ["tree", "-p", f"dlcourse-{stack}", "-e", "normal", "--prefix", "none", "--locked", "--offline"]
    done = subprocess.run(
        [rust.cargo, *words, "--format", "{p}"],
        cwd=crates.WORKSPACE,
        env=crates.cargo_environment(rust, stack),
        capture_output=True,
        text=True,
        check=True,
    )
    return len({" ".join(text.split()[:2]) for text in done.stdout.splitlines() if text.strip()}) - 1


# --- The programs in Python -----------------------------------------------------------------------------


def numpy_program():
    return r"""
import json, sys, time
import numpy as np
from safetensors.numpy import load_file
from dlcourse.reference.cnn import CNN
from dlcourse.reference.losses import CrossEntropyLoss
from dlcourse.reference.mlp import MLP
from dlcourse.reference.optim import Adam

folder, net_name, mode = sys.argv[1:]
rng = np.random.default_rng(0)
made = {"rng": rng, "dtype": np.float32}
net = MLP([64, 64, 10], **made) if net_name == "mlp" else CNN(dropout=0.0, **made)
net.load_state_dict(load_file(f"{folder}/{net_name}.safetensors"))
data = load_file(f"{folder}/digits.safetensors")
shape = (-1, 64) if net_name == "mlp" else (-1, 1, 8, 8)
x, x_test = data["x"].reshape(shape), data["x_test"].reshape(shape)
answer = lambda x: net(x)

def train(epochs):
    adam, loss = Adam(net, lr=1e-3), CrossEntropyLoss()
    for _ in range(epochs):
        for k in range(0, len(x), 32):
            loss(net(x[k : k + 32]), data["y"][k : k + 32])
            net.backward(loss.backward())
            adam.step()

final = lambda: CrossEntropyLoss()(net(x), data["y"])
""" + python_end()


def torch_program():
    return r"""
import json, sys, time
import torch
from safetensors.torch import load_file
from torch import nn

torch.set_num_threads(1)
folder, net_name, mode = sys.argv[1:]
if net_name == "mlp":
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
else:
    class CNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
                nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            )
            self.classifier = nn.Sequential(
                nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10)
            )
        def forward(self, x):
            return self.classifier(self.features(x).flatten(1))
    net = CNN()
net.load_state_dict(load_file(f"{folder}/{net_name}.safetensors"))
data = load_file(f"{folder}/digits.safetensors")
shape = (-1, 64) if net_name == "mlp" else (-1, 1, 8, 8)
x, x_test = data["x"].reshape(shape), data["x_test"].reshape(shape)

@torch.no_grad()
def answer(x):
    return net(x)

def train(epochs):
    adam, loss = torch.optim.Adam(net.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    for _ in range(epochs):
        for xb, yb in zip(x.split(32), data["y"].split(32)):
            adam.zero_grad()
            loss(net(xb), yb).backward()
            adam.step()

final = lambda: nn.functional.cross_entropy(answer(x), data["y"])
""" + python_end()


def python_end():
    return r"""
def fastest(call, rounds, times):
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            call()
        best = min(best, (time.process_time() - start) / times)
    return best

def peak():
    try:
        status = open("/proc/self/status").read()
    except OSError:
        return -1.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

result = {}
first = answer(x_test[:1])
if mode == "train":
    train({"mlp": 20, "cnn": 15}[net_name])
    result["loss"] = float(final())
    right = answer(x_test).argmax(1) == data["y_test"]
    result["accuracy"] = float(right.sum()) / len(right)
elif mode == "epoch":
    result["epoch"] = fastest(lambda: train(1), 6, 1)
    result["latency"] = fastest(lambda: answer(x_test[:1]), 6, 200)
    result["memory"] = peak()
print(json.dumps(result))
"""


# --- The programs in Rust -------------------------------------------------------------------------------


def rust_end():
    """What the three programs share: the fastest of several calls, and the peak of the process's memory."""
    return r"""
/// Processor seconds of this process, all its threads; the C library of Linux and macOS knows them.
#[cfg(unix)]
fn processor() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    let clock = if cfg!(target_os = "linux") { 2 } else { 12 };
    // SAFETY: the clock exists, and `time` has the layout that the function fills
    unsafe { clock_gettime(clock, &mut time) };
    time.seconds as f64 + time.nanoseconds as f64 / 1e9
}

#[cfg(not(unix))]
fn processor() -> f64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Processor seconds of one call: the least of `rounds`, each of `times` calls.
fn fastest(mut call: impl FnMut(), rounds: usize, times: usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = processor();
        for _ in 0..times {
            call();
        }
        best = best.min((processor() - start) / times as f64);
    }
    best
}

/// Megabytes, from Linux's own account of this process; -1 elsewhere.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.map_or(-1.0, |k| k / 1024.0)
}

fn words() -> [String; 3] {
    let words: Vec<String> = std::env::args().skip(1).collect();
    words.try_into().expect("folder, net, mode")
}

fn epochs(net: &str) -> usize {
    if net == "mlp" { 20 } else { 15 }
}

fn trained(loss: f64, accuracy: f64) {
    println!(r#"{{"loss": {loss}, "accuracy": {accuracy}}}"#);
}

fn costs(epoch: f64, latency: f64) {
    println!(r#"{{"epoch": {epoch}, "latency": {latency}, "memory": {}}}"#, peak());
}
"""


def tch_program():
    return r"""
use dlcourse_tch::{accuracy, cnn, mlp, train};
use std::collections::HashMap;
use tch::nn::{Module, VarStore};
use tch::{Device, Tensor};

fn main() {
    tch::set_num_threads(1);
    let [folder, name, mode] = words();
    let data = Tensor::read_safetensors(format!("{folder}/digits.safetensors")).unwrap();
    let data: HashMap<_, _> = data.into_iter().collect();
    let shape: &[i64] = if name == "mlp" { &[-1, 64] } else { &[-1, 1, 8, 8] };
    let (x, x_test) = (data["x"].view(shape), data["x_test"].view(shape));
    let mut vars = VarStore::new(Device::Cpu);
    let root = vars.root();
    let net = if name == "mlp" { mlp(&root, &[64, 64, 10]) } else { cnn(&root) };
    vars.load(format!("{folder}/{name}.safetensors")).unwrap();
    let one = x_test.narrow(0, 0, 1);
    let answer = || tch::no_grad(|| net.forward(&one));
    answer();
    match mode.as_str() {
        "train" => {
            train(&vars, &net, &x, &data["y"], epochs(&name)).unwrap();
            let loss = tch::no_grad(|| net.forward(&x).cross_entropy_for_logits(&data["y"]));
            trained(loss.double_value(&[]), accuracy(&net, &x_test, &data["y_test"]));
        }
        "epoch" => {
            let epoch = fastest(|| train(&vars, &net, &x, &data["y"], 1).unwrap(), 6, 1);
            costs(epoch, fastest(|| drop(answer()), 6, 200));
        }
        _ => println!("{{}}"),
    }
}
""" + rust_end()


def candle_program():
    return r"""
use candle_core::{DType, Device, Result, safetensors};
use candle_nn::{Module, VarBuilder, VarMap, loss};
use dlcourse_candle::{accuracy, cnn, mlp, train};

fn main() -> Result<()> {
    let [folder, name, mode] = words();
    let data = safetensors::load(format!("{folder}/digits.safetensors"), &Device::Cpu)?;
    let shape: &[usize] = if name == "mlp" { &[64] } else { &[1, 8, 8] };
    let images = |key: &str| data[key].reshape([&[data[key].dim(0)?], shape].concat());
    let (x, x_test) = (images("x")?, images("x_test")?);
    let classes = |key: &str| data[key].to_dtype(DType::U32);
    let (y, y_test) = (classes("y")?, classes("y_test")?);
    let mut vars = VarMap::new();
    let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let net = if name == "mlp" { mlp(&builder, &[64, 64, 10])? } else { cnn(&builder)? };
    vars.load(format!("{folder}/{name}.safetensors"))?;
    let one = x_test.narrow(0, 0, 1)?;
    net.forward(&one)?;
    match mode.as_str() {
        "train" => {
            train(&vars, &net, &x, &y, epochs(&name))?;
            let loss = loss::cross_entropy(&net.forward(&x)?, &y)?.to_scalar::<f32>()?;
            trained(loss.into(), accuracy(&net, &x_test, &y_test)?);
        }
        "epoch" => {
            let epoch = fastest(|| train(&vars, &net, &x, &y, 1).unwrap(), 6, 1);
            costs(epoch, fastest(|| drop(net.forward(&one)), 6, 200));
        }
        _ => println!("{{}}"),
    }
    Ok(())
}
""" + rust_end()


def burn_program():
    return r"""
use burn::module::Param;
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dlcourse_burn::{Classifier, Cnn, Mlp, accuracy, train};
use std::collections::HashMap;

struct Data {
    arrays: HashMap<String, Vec<f32>>,
    device: Device,
}

impl Data {
    fn load(path: String, device: &Device) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let parse = |line: &str| {
            let (name, values) = line.split_once(' ').unwrap();
            (name.to_string(), values.split(' ').map(|v| v.parse().unwrap()).collect())
        };
        Self { arrays: text.lines().map(parse).collect(), device: device.clone() }
    }

    fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.arrays[name].clone(), shape), &self.device)
    }

    fn images(&self, name: &str) -> Tensor<2> {
        self.tensor(name, [self.arrays[name].len() / 64, 64])
    }

    fn classes(&self, name: &str) -> Tensor<1, Int> {
        self.tensor(name, [self.arrays[name].len()]).int()
    }

    fn set(&self, layers: &mut [Linear], name: &str) {
        for (k, layer) in layers.iter_mut().enumerate() {
            let [i, o] = layer.weight.dims();
            let weight = self.tensor(&format!("{name}{}.weight", 2 * k), [o, i]).transpose();
            layer.weight = Param::from_tensor(weight);
            layer.bias = Some(Param::from_tensor(self.tensor(&format!("{name}{}.bias", 2 * k), [o])));
        }
    }
}

fn work<M: Classifier>(net: M, data: &Data, plain: &Data, served: M, name: &str, mode: &str) {
    let one = plain.images("x_test").narrow(0, 0, 1);
    let answer = || served.scores(one.clone());
    answer();
    match mode {
        "train" => {
            let (x, y) = (data.images("x"), data.classes("y"));
            let net = train(net, &x, &y, epochs(name));
            let loss = CrossEntropyLossConfig::new().init(&data.device).forward(net.scores(x), y);
            let right = accuracy(&net, data.images("x_test"), data.classes("y_test"));
            trained(loss.into_scalar::<f32>().into(), right);
        }
        "epoch" => {
            let (x, y) = (data.images("x"), data.classes("y"));
            let mut net = Some(net);
            let epoch = fastest(|| net = net.take().map(|net| train(net, &x, &y, 1)), 6, 1);
            costs(epoch, fastest(|| drop(answer().into_data()), 6, 200));
        }
        _ => println!("{{}}"),
    }
}

fn mlp(data: &Data) -> Mlp {
    let mut net = Mlp::new(&[64, 64, 10], &data.device);
    data.set(&mut net.layers, "mlp.");
    net
}

fn cnn(data: &Data) -> Cnn {
    let mut net = Cnn::new(&data.device);
    for (k, conv) in net.features.iter_mut().enumerate() {
        let (name, shape) = (format!("cnn.features.{}", 2 * k), conv.weight.dims());
        conv.weight = Param::from_tensor(data.tensor(&format!("{name}.weight"), shape));
        conv.bias = Some(Param::from_tensor(data.tensor(&format!("{name}.bias"), [shape[0]])));
    }
    data.set(&mut net.classifier.layers, "cnn.classifier.");
    net
}

fn main() {
    let [folder, name, mode] = words();
    let path = format!("{folder}/{name}.txt");
    let plain = Data::load(path, &Device::flex());
    let data = Data { arrays: plain.arrays.clone(), device: Device::flex().autodiff() };
    if name == "mlp" {
        work(mlp(&data), &data, &plain, mlp(&plain), &name, &mode);
    } else {
        work(cnn(&data), &data, &plain, cnn(&plain), &name, &mode);
    }
}
""" + rust_end()
