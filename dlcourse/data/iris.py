"""Fisher's iris flowers, bundled with scikit-learn (fisher1936). Chapter: 07_perceptron_xor."""

import numpy as np

SPECIES = ("setosa", "versicolor", "virginica")
FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def iris_pair(first, second):
    """Return features (100, 4) in cm and labels (100,), 0 for the species `first` and 1 for `second`.

    A hyperplane separates setosa from the others; none separates versicolor from virginica.
    """
    from sklearn.datasets import load_iris  # slow to import, and only these functions need it

    for name in (first, second):
        if name not in SPECIES:
            raise ValueError(f"iris_pair: expected species in {', '.join(SPECIES)}, got {name!r}")
    features, species = load_iris(return_X_y=True)
    chosen = [features[species == SPECIES.index(name)] for name in (first, second)]
    return np.concatenate(chosen), np.repeat([0.0, 1.0], [len(c) for c in chosen])
