"""Rust called from Python, through the C interface and through PyO3: equal to NumPy, safe at the border."""

import ctypes
import importlib.util
import os

import numpy as np
import pytest

from dlcourse.course.rust import CratesError, native
from dlcourse.reference.linear import Linear
from dlcourse.reference.losses import CrossEntropyLoss
from dlcourse.reference.mlp import MLP
from tests.test_rust_workspace import needs_cargo

pytestmark = needs_cargo
ROADS = ["ctypes", "pyo3"]


@pytest.fixture(scope="module", params=ROADS)
def rust(request):
    if request.param == "ctypes":
        return native.c_library()
    if not importlib.util.find_spec("maturin") and not os.environ.get("CI"):
        pytest.skip("missing tool: maturin, by `pip install maturin`")
    return native.extension()


def test_an_affine_map_as_in_numpy(rust):
    rng = np.random.default_rng(0)
    layer = Linear(5, 7, rng=rng)
    x = rng.normal(size=(11, 5))
    y = rust.affine(x, layer.params["weight"], layer.params["bias"])
    assert y.shape == (11, 7) and y.dtype == np.float64
    assert np.abs(y - layer(x)).max() < 1e-14


def test_the_loss_as_in_numpy(rust):
    rng = np.random.default_rng(1)
    scores, targets = 50 * rng.normal(size=(13, 6)), rng.integers(0, 6, 13)
    loss = rust.cross_entropy(scores, targets.astype(np.uint64))
    assert abs(loss - CrossEntropyLoss()(scores, targets)) < 1e-12


def test_a_panic_becomes_an_exception_and_the_next_call_works(rust):
    scores = np.zeros((1, 3))
    with pytest.raises(RuntimeError, match="panic in Rust: index out of bounds.* 3 but the index is 7"):
        rust.cross_entropy(scores, np.array([7], dtype=np.uint64))
    assert abs(rust.cross_entropy(scores, np.array([2], dtype=np.uint64)) - np.log(3)) < 1e-12


@pytest.mark.parametrize(
    ("x", "weight", "bias"),
    [
        (np.zeros((2, 3)), np.zeros((4, 5)), np.zeros(4)),
        (np.zeros((2, 3)), np.zeros((4, 3)), np.zeros(5)),
        (np.zeros((2, 3), np.float32), np.zeros((4, 3)), np.zeros(4)),
        (np.zeros((3, 2)).T, np.zeros((4, 3)), np.zeros(4)),
        ([[0.0, 0.0, 0.0]], np.zeros((4, 3)), np.zeros(4)),
    ],
    ids=["inputs", "outputs", "dtype", "not contiguous", "a list"],
)
def test_arguments_that_do_not_fit_are_refused(rust, x, weight, bias):
    with pytest.raises((ValueError, TypeError)):
        rust.affine(x, weight, bias)


def test_no_rows_are_no_targets(rust):
    with pytest.raises((ValueError, RuntimeError), match="for 0 targets"):
        rust.cross_entropy(np.zeros((0, 3)), np.zeros(0, np.uint64))


def test_null_is_refused_in_words():
    library = native.c_library()
    y = np.zeros(1)
    status = library._library.dlcourse_affine(None, None, None, y.ctypes.data, 1, 1, 1)
    with pytest.raises(native.NativeError, match="x: expected a pointer, got null"):
        library._checked(status)


def test_the_message_is_cut_to_the_buffer():
    library = native.c_library()
    library._library.dlcourse_affine(None, None, None, None, 1, 1, 1)
    buffer = ctypes.create_string_buffer(b"#" * 9, 10)
    library._library.dlcourse_message(buffer, 6)
    assert buffer.raw[:7] == b"x: ex\0#"


def test_ctypes_writes_into_numpys_own_memory():
    library = native.c_library()
    x, weight, bias, y = np.ones((1, 2)), np.ones((1, 2)), np.zeros(1), np.zeros((1, 1))
    pointers = [array.ctypes.data for array in (x, weight, bias, y)]
    assert library._library.dlcourse_affine(*pointers, 1, 2, 1) == 0
    assert y[0, 0] == 2.0  # the array that Python made, filled by Rust


def test_without_maturin_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(native.shutil, "which", lambda name, path=None: None)
    with pytest.raises(CratesError, match="pip install maturin"):
        native.extension.__wrapped__()


def extension():
    if not importlib.util.find_spec("maturin") and not os.environ.get("CI"):
        pytest.skip("missing tool: maturin, by `pip install maturin`")
    return native.extension()


def mlp_and_layers(sizes=(5, 7, 3)):
    net = MLP(sizes, rng=np.random.default_rng(2))
    pairs = [(f"{k}.weight", f"{k}.bias") for k in range(0, 2 * len(sizes) - 2, 2)]
    return net, [tuple(net.params[name] for name in pair) for pair in pairs]


def test_a_network_behind_the_border_as_in_numpy():
    net, layers = mlp_and_layers()
    x = np.random.default_rng(3).normal(size=(11, 5))
    scores = extension().Mlp(layers).predict(x)
    assert scores.shape == (11, 3) and np.abs(scores - net(x)).max() < 1e-14
    assert extension().Mlp(layers).predict(x[:0]).shape == (0, 3)


def test_a_network_keeps_its_own_copy_of_the_weights():
    net, layers = mlp_and_layers()
    rust, x = extension().Mlp(layers), np.ones((1, 5))
    before = rust.predict(x)
    for weight, _ in layers:
        weight[:] = 0
    assert np.array_equal(rust.predict(x), before)


@pytest.mark.parametrize("x", [np.zeros((2, 4)), np.zeros(5), np.zeros((2, 5), np.float32), [[0.0] * 5]])
def test_a_network_refuses_inputs_that_do_not_fit(x):
    with pytest.raises((ValueError, TypeError)):
        extension().Mlp(mlp_and_layers()[1]).predict(x)


def test_a_network_of_layers_that_do_not_fit_is_refused():
    layers = mlp_and_layers()[1]
    for wrong in ([], layers[::-1], [(layers[0][0], layers[1][1])]):
        with pytest.raises(ValueError, match="mlp: "):
            extension().Mlp(wrong)


def test_a_source_becomes_a_c_library():
    source = '#[unsafe(no_mangle)]\npub extern "C" fn twice(x: f64) -> f64 {\n    2.0 * x\n}\n'
    path = native.shared_library(source)
    assert native.shared_library(source) == path  # found again
    twice = ctypes.CDLL(str(path)).twice
    twice.argtypes, twice.restype = [ctypes.c_double], ctypes.c_double
    assert twice(21.0) == 42.0
    with pytest.raises(CratesError, match="rustc refuses the library: error"):
        native.shared_library("fn broken(")
