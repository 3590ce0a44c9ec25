"""Batch and layer normalisation: by hand, against torch in both modes, differences, mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.reference import normalization
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

BATCH = [
    (ref.BatchNorm1d, (7, 3)),
    (ref.BatchNorm1d, (5, 3, 2)),
    (ref.BatchNorm2d, (2, 3, 5, 7)),
    (ref.BatchNorm2d, (2, 3, 1, 2)),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def stirred(layer, rng):
    """Weights and statistics that are not their initial ones."""
    state = {n: a if a.ndim == 0 else a + 0.5 * rng.random(a.shape) for n, a in layer.state_dict().items()}
    layer.load_state_dict(state)
    return layer


def test_by_hand():
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    batch, layer = ref.BatchNorm1d(2, eps=0.0), ref.LayerNorm(2, eps=0.0)
    assert batch(x).tolist() == [[-1, -1], [1, 1]]
    assert batch.buffers["running_mean"] == pytest.approx([0.2, 2])
    assert batch.buffers["running_var"] == pytest.approx([0.9 + 0.2, 0.9 + 20])  # unbiased: 2 and 200
    assert layer(x) == pytest.approx(np.array([[-1, 1], [-1, 1]]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind, shape", BATCH)
def test_batch_against_torch_in_both_modes(kind, shape, dtype, rng):
    layer, twin = stirred(kind(3), rng), getattr(torch.nn, kind.__name__)(3)
    for training in (True, True, False):
        layer.train(training)
        twin.train(training)
        assert_like_torch(layer, twin, 3 + 2 * rng.standard_normal(shape), rng=rng, dtype=dtype)
        for name, buffer in twin.named_buffers():
            assert_close(layer.buffers[name], buffer, name)
    assert layer.buffers["num_batches_tracked"] == 2


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind, shape", BATCH[:3])
def test_batch_differences(kind, shape, training, rng):
    assert_gradients(stirred(kind(3), rng).train(training), rng.standard_normal(shape), rng=rng)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5), (5,), (300, 5), (0, 5), (3, 1)])
def test_layer_norm_against_torch(shape, dtype, rng):
    layer, twin = stirred(ref.LayerNorm(shape[-1]), rng), torch.nn.LayerNorm(shape[-1])
    if shape[-1] == 1:  # a row of one number is its own mean: nothing is left of it
        assert (layer(rng.standard_normal(shape)) == layer.params["bias"]).all()
        return
    assert_like_torch(layer, twin, 0.5 + rng.standard_normal(shape), rng=rng, dtype=dtype)


@given(
    st.sampled_from([(), (1,), (7,), (2, 3), (1, 5), (131,)]), st.sampled_from([3, 5, 11]), st.integers(0, 99)
)
def test_layer_norm_any_shape(leading, size, seed):
    rng = np.random.default_rng(seed)
    layer, x = stirred(ref.LayerNorm(size), rng), rng.standard_normal((size, *leading[::-1])).T
    assert_like_torch(layer, torch.nn.LayerNorm(size), x, rng=rng)


def test_layer_norm_differences(rng, monkeypatch):
    monkeypatch.setattr(normalization, "BLOCK", 4)  # several blocks, the last one smaller
    assert_gradients(stirred(ref.LayerNorm(3), rng), rng.standard_normal((2, 5, 3)), rng=rng)


def test_a_batch_of_one_and_its_remedy(rng):
    layer = ref.BatchNorm1d(3)
    message = r"BatchNorm1d\(3\): expected more than one number per channel in training, got \(1, 3\)"
    with pytest.raises(ValueError, match=message):
        layer(np.ones((1, 3)))
    assert layer.eval()(np.ones((1, 3))).shape == (1, 3)


def test_far_from_zero(rng):
    """Subtracting before squaring: mean(x²) - mean(x)² would have no correct digit here."""
    x = 1e6 + rng.standard_normal((11, 3))
    assert_like_torch(ref.BatchNorm1d(3), torch.nn.BatchNorm1d(3), x - 1e6, rng=rng)
    for layer, y in ((ref.BatchNorm1d(3), None), (ref.LayerNorm(3), None)):
        y = layer(x)
        assert np.abs(y - layer(x - 1e6)).max() < 1e-8


MUTANTS = {ref.BatchNorm1d: (3, 3, 3), ref.BatchNorm2d: (3, 3, 2, 2), ref.LayerNorm: (131, 3)}  # two blocks


@pytest.mark.parametrize("kind", MUTANTS)
def test_mutants(kind):
    def make(cls, rng):
        training = stirred(cls(3), rng)
        return training if kind is ref.LayerNorm else (training, stirred(cls(3), rng).eval())

    check_mutants(Case(kind, make, lambda rng: (rng.standard_normal(MUTANTS[kind]),)))


@pytest.mark.parametrize("kind", [ref.BatchNorm1d, ref.BatchNorm2d, ref.LayerNorm])
def test_a_negative_eps_is_refused(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected a finite eps ≥ 0, got -1e-05"):
        kind(3, eps=-1e-5)


def test_bad_input(rng):
    with pytest.raises(ValueError, match=r"BatchNorm2d\(3\): expected x with 4 axes, got shape \(5, 3\)"):
        ref.BatchNorm2d(3)(np.ones((5, 3)))
    with pytest.raises(
        ValueError, match=r"BatchNorm1d\(3\): expected x with 2 axes or 3 axes, got shape \(3,\)"
    ):
        ref.BatchNorm1d(3)(np.ones(3))
    with pytest.raises(ValueError, match=r"expected x of shape \(N, 3, L\), got \(5, 2, 7\)"):
        ref.BatchNorm1d(3)(np.ones((5, 2, 7)))
    with pytest.raises(ValueError, match=r"LayerNorm\(3\): expected x of shape \(..., 3\), got \(5, 2\)"):
        ref.LayerNorm(3)(np.ones((5, 2)))
    for layer in (ref.BatchNorm1d(3), ref.LayerNorm(3)):
        with pytest.raises(TypeError, match="expected x of a floating-point dtype, got int64"):
            layer(np.ones((5, 3), int))
        with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
            layer.backward(np.ones((5, 3)))
        layer(rng.standard_normal((5, 3)))
        with pytest.raises(ValueError, match=r"expected dout of shape \(5, 3\), got \(5, 2\)"):
            layer.backward(np.ones((5, 2)))
