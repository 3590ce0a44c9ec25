"""Handwritten digits of 8 x 8 pixels, bundled with scikit-learn (alpaydin1998). Chapter: 11_mlp_project."""

import numpy as np

from dlcourse.checks import expect_dtype, expect_number, expect_rng, expect_shape


def digits(seed=0, *, flat=True, dtype=float, test_share=0.2):
    """Return x_train, y_train, x_test, y_test: 1437 and 360 images with pixels in [0, 1], labels 0 … 9.

    The split is stratified (every digit has the same share in both parts) and fixed by the seed.

    x  (N, 64), or (N, 1, 8, 8) with flat=False
    y  (N,), integers
    """
    dtype = expect_dtype("digits", dtype)
    from sklearn.datasets import load_digits  # slow to import, and only these functions need it

    pixels, labels = load_digits(return_X_y=True)
    x = (pixels / 16).astype(dtype)
    x = x if flat else x.reshape(-1, 1, 8, 8)
    train, test = stratified_split(labels, test_share, rng=np.random.default_rng(seed))
    return x[train], labels[train], x[test], labels[test]


def stratified_split(labels, test_share, *, rng):
    """Return shuffled indices of a training and a test part, with test_share of every class in the test part.

    The test part as a whole has test_share · N members, rounded up.
    """
    labels = expect_shape("stratified_split", "labels", labels, "N")
    if not 0 < expect_number("stratified_split", "test_share", test_share) < 1:
        raise ValueError(f"stratified_split: expected test_share between 0 and 1, got {test_share}")
    order = expect_rng("stratified_split", rng).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class after class, shuffled within
    # members taken at even steps along this list give each class its share
    chosen = np.diff(np.ceil(np.arange(len(order) + 1) * test_share)) > 0
    return rng.permutation(order[~chosen]), rng.permutation(order[chosen])
