"""Losses: by hand, at the extremes, against torch, against differences, bad input, and their mutants."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.reference import losses
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_like_torch


def reals(rng, shape):
    return rng.standard_normal(shape), rng.standard_normal(shape)


def probabilities(rng, shape):
    return rng.uniform(0.05, 0.95, shape), rng.integers(0, 2, shape).astype(float)


def logits(rng, shape):
    return 3 * rng.standard_normal(shape), rng.uniform(0, 1, shape)


def classes(rng, shape):
    return 3 * rng.standard_normal(shape), rng.integers(0, shape[1], shape[0])


def distributions(rng, shape):
    q, t = ref.log_softmax(rng.standard_normal(shape)), ref.softmax(rng.standard_normal(shape))
    return q, t


INPUTS = {
    ref.MSELoss: reals,
    ref.L1Loss: reals,
    ref.BCELoss: probabilities,
    ref.BCEWithLogitsLoss: logits,
    ref.CrossEntropyLoss: classes,
    ref.KLDivLoss: distributions,
}
KINDS = pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def twin(kind, **arguments):
    return getattr(torch.nn, kind.__name__)(**arguments)


def test_by_hand():
    assert ref.MSELoss()(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == (1 + 9) / 2
    assert ref.L1Loss()(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == (1 + 3) / 2
    assert ref.BCELoss()(np.array([0.25]), np.array([1.0])) == pytest.approx(math.log(4))
    assert ref.BCEWithLogitsLoss()(np.array([0.0]), np.array([1.0])) == pytest.approx(math.log(2))
    loss = ref.CrossEntropyLoss()
    assert loss(np.log([[1.0, 1.0, 2.0], [1.0, 6.0, 1.0]]), np.array([2, 0])) == pytest.approx(
        math.log(16) / 2
    )
    assert loss.backward() == pytest.approx(np.array([[1 / 8, 1 / 8, -1 / 4], [-7 / 16, 3 / 8, 1 / 16]]))
    p, q = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.5, 0.25]])
    assert ref.KLDivLoss("batchmean")(np.log(q), p) == pytest.approx(0.5 * math.log(2))


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch(kind, dtype, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch recommends batchmean
        assert_like_torch(kind(), twin(kind), *INPUTS[kind](rng, (7, 5)), rng=rng, dtype=dtype)


@KINDS
def test_gradient_dtype_and_float_loss(kind, rng):
    prediction, target = INPUTS[kind](rng, (3, 5))
    target = target if kind is ref.CrossEntropyLoss else target.astype(np.float32)
    loss = kind()
    assert type(loss(prediction.astype(np.float32), target)) is float
    assert loss.backward().dtype == np.float32


@given(st.sampled_from([(1, 1), (7, 3), (1, 5), (5, 1), (2, 11)]), st.sampled_from(list(INPUTS)))
def test_any_shape(shape, kind):
    rng = np.random.default_rng(shape[0])
    prediction, target = INPUTS[kind](rng, shape)
    prediction = np.asfortranarray(prediction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert_like_torch(kind(), twin(kind), prediction, target, rng=rng)
    assert_gradients(kind(), prediction, target, rng=rng)


@KINDS
def test_mutants(kind):
    def inputs(rng):
        prediction, target = INPUTS[kind](rng, (3, 3))
        return prediction, np.array([0, 2, 1]) if kind is ref.CrossEntropyLoss else target

    def make(cls, rng):
        return (cls(), cls(ignore_index=1)) if kind is ref.CrossEntropyLoss else cls()

    if kind is ref.CrossEntropyLoss:
        check_mutants(Case(kind, make, inputs, ("_block", "backward")))
    else:
        check_mutants(Case(kind, make, inputs))


def test_kl_batchmean(rng):
    inputs = distributions(rng, (7, 5))
    assert_like_torch(
        ref.KLDivLoss("batchmean"), twin(ref.KLDivLoss, reduction="batchmean"), *inputs, rng=rng
    )
    with pytest.raises(ValueError, match="expected reduction 'mean' or 'batchmean', got 'sum'"):
        ref.KLDivLoss("sum")


def test_padding_does_not_count(rng):
    z, t = classes(rng, (7, 5))
    t[[0, 3]] = -100
    assert_like_torch(ref.CrossEntropyLoss(), twin(ref.CrossEntropyLoss), z, t, rng=rng)
    t[t == -100] = 4
    assert_like_torch(
        ref.CrossEntropyLoss(ignore_index=4), twin(ref.CrossEntropyLoss, ignore_index=4), z, t, rng=rng
    )
    single = ref.CrossEntropyLoss(ignore_index=4)
    single(z.astype(np.float32), t)
    assert single.backward().dtype == np.float32
    with pytest.raises(ValueError, match="every target is ignore_index"):
        ref.CrossEntropyLoss(ignore_index=4)(z, np.full(7, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_thousands_of_classes_and_improbable_targets(rng, dtype):
    z, t = 10 * rng.standard_normal((67, 8000)), rng.integers(0, 8000, 67)
    z[:, 0], t[:30] = 60, 1  # losses of about 60: log(p + 1e-7) would say 16
    assert_like_torch(ref.CrossEntropyLoss(), twin(ref.CrossEntropyLoss), z, t, rng=rng, dtype=dtype)
    assert len(z) * 8000 > losses.BLOCK  # more than one block of rows


def test_the_row_is_named_in_later_blocks_and_behind_padding_too(rng):
    z, t = 10 * rng.standard_normal((67, 8000)), rng.integers(0, 8000, 67)
    t[[0, 40]] = -100
    z[0] = np.nan  # padding: whatever stands there
    loss = ref.CrossEntropyLoss()
    assert len(z) * 8000 > losses.BLOCK and np.isfinite(loss(z, t))
    z[60, 7] = np.inf
    with pytest.raises(ValueError, match="expected finite prediction, got inf in row 60"):
        loss(z, t)
    z[60, 7], z[50, t[50]] = 0, -np.inf
    with pytest.raises(ValueError, match="expected finite prediction at the target, got -inf in row 50"):
        loss(z, t)


def test_extremes():
    loss = ref.CrossEntropyLoss()
    assert loss(np.array([[1e4, -1e4]]), np.array([1])) == 2e4
    assert loss(np.array([[0.0, -np.inf, 0.0]]), np.array([2])) == pytest.approx(math.log(2))  # ruled out
    assert loss.backward().tolist() == [[0.5, 0, -0.5]]
    assert ref.BCEWithLogitsLoss()(np.array([-1000.0, 1000.0]), np.array([1.0, 0.0])) == 1000
    assert ref.BCELoss()(np.array([0.0, 1.0]), np.array([1.0, 0.0])) == 100  # as torch, not infinite
    assert ref.BCELoss()(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0


@KINDS
def test_bad_input(kind, rng):
    prediction, target = INPUTS[kind](rng, (5, 3))
    loss, name = kind(), kind.__name__
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        loss.backward()
    with pytest.raises(TypeError, match="expected prediction of a floating-point dtype, got int64"):
        loss(np.zeros((5, 3), int), target)
    with pytest.raises(ValueError, match=rf"{name}\(\): expected target of shape \(5.*\), got \(4.*\)"):
        loss(prediction, target[:4])
    with pytest.raises(ValueError, match=rf"{name}\(\): expected at least one element, got shape \(0, 3\)"):
        loss(prediction[:0], target[:0])
    prediction[3, 1] = np.nan
    with pytest.raises(ValueError, match="expected finite prediction, got nan in row 3"):
        loss(prediction, target)


@KINDS
def test_bad_target(kind, rng):
    prediction, target = INPUTS[kind](rng, (5, 3))
    if kind is ref.CrossEntropyLoss:
        with pytest.raises(TypeError, match="expected target of an integer dtype, got float64"):
            kind()(prediction, target.astype(float))
        with pytest.raises(ValueError, match=r"expected target of shape \(5,\), got \(5, 1\)"):
            kind()(prediction, target[:, None])
        for wrong in (3, -1):
            target[2] = wrong
            with pytest.raises(ValueError, match=f"expected target in 0 … 2, got {wrong} in row 2"):
                kind()(prediction, target)
    else:
        with pytest.raises(TypeError, match="expected target of a floating-point dtype, got int64"):
            kind()(prediction, np.zeros((5, 3), int))
        target[4, 0] = np.inf
        with pytest.raises(ValueError, match="expected finite target, got inf in row 4"):
            kind()(prediction, target)
    if kind in (ref.BCELoss, ref.BCEWithLogitsLoss, ref.KLDivLoss):
        target[4, 0] = -0.1
        with pytest.raises(ValueError, match="expected a probability as target, got -0.1 in row 4"):
            kind()(prediction, target)


def test_probabilities_outside_their_range():
    with pytest.raises(ValueError, match=r"expected a probability as prediction, got 1.5 in row 1"):
        ref.BCELoss()(np.array([0.5, 1.5]), np.array([0.0, 1.0]))
