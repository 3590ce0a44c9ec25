"""Bundled and generated data: shapes, seeds, and the facts that the chapters rely on."""

import numpy as np
import pytest

from dlcourse.data import clusters, gates, iris
from dlcourse.data.digits import digits, stratified_split


@pytest.mark.parametrize(
    "name, rule",
    [
        ("AND", lambda a, b: a and b),
        ("OR", lambda a, b: a or b),
        ("NAND", lambda a, b: not (a and b)),
        ("XOR", lambda a, b: a != b),
        ("NOT", lambda a: not a),
    ],
)
def test_gates(name, rule):
    inputs, targets = gates.gate(name)
    assert targets.tolist() == [float(rule(*row)) for row in inputs.astype(bool)]
    inputs[...] = 9
    assert (gates.gate(name)[0] != 9).all()  # a copy
    with pytest.raises(ValueError, match="expected one of AND, OR, NAND, XOR, NOT, got 'NOR'"):
        gates.gate("NOR")


def test_two_clusters():
    points, labels = clusters.two_clusters(rng=np.random.default_rng(0))
    assert points.shape == (50, 2) and labels.tolist() == [0] * 25 + [1] * 25
    assert points[:25].min() >= 0 and points[:25].max() < 5 <= points[25:].min() and points.max() < 10
    assert ((points.sum(axis=1) > 10) == labels).all()
    assert (points == clusters.two_clusters(rng=np.random.default_rng(0))[0]).all()
    assert (points != clusters.two_clusters(rng=np.random.default_rng(1))[0]).all()


def test_iris():
    features, labels = iris.iris_pair("setosa", "virginica")
    assert features.shape == (100, 4) and labels.sum() == 50
    assert features[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert ((features[:, 2] > 2.5) == labels).all()  # one petal length separates setosa
    with pytest.raises(ValueError, match="expected species in setosa, versicolor, virginica, got 'rose'"):
        iris.iris_pair("setosa", "rose")


def test_digits():
    x, y, xt, yt = digits(seed=3)
    assert x.shape == (1437, 64) and xt.shape == (360, 64) and x.min() == 0 and x.max() == 1
    share = np.bincount(yt) / np.bincount(np.concatenate([y, yt]))
    assert np.abs(share - 0.2).max() < 0.01
    images = digits(seed=3, flat=False, dtype=np.float32)
    assert images[0].shape == (1437, 1, 8, 8) and images[0].dtype == np.float32
    assert (images[0].reshape(-1, 64) == x.astype(np.float32)).all() and (images[1] == y).all()
    assert (digits(seed=4)[1] != y).any()


def test_split_uses_every_sample_once():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    train, test = stratified_split(labels, 0.3, rng=np.random.default_rng(0))
    assert sorted([*train, *test]) == list(range(100))
    assert np.bincount(labels[test]).tolist() == [15, 9, 6]
    assert (np.diff(test) < 0).any()  # shuffled
    with pytest.raises(ValueError, match="expected test_share between 0 and 1, got 20"):
        stratified_split(labels, 20, rng=np.random.default_rng(0))
