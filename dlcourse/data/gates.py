"""Truth tables of the logic gates. Chapter: 07_perceptron_xor."""

import numpy as np

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)  # (4, 2)
AND = np.array([0, 0, 0, 1], dtype=float)
OR = np.array([0, 1, 1, 1], dtype=float)
NAND = np.array([1, 1, 1, 0], dtype=float)
XOR = np.array([0, 1, 1, 0], dtype=float)

NOT_INPUTS = np.array([[0], [1]], dtype=float)  # (2, 1)
NOT = np.array([1, 0], dtype=float)


def gate(name):
    """Return copies of inputs (N, I) and targets (N,) of "AND", "OR", "NAND", "XOR" or "NOT"."""
    tables = {"AND": (INPUTS, AND), "OR": (INPUTS, OR), "NAND": (INPUTS, NAND), "XOR": (INPUTS, XOR)}
    tables["NOT"] = NOT_INPUTS, NOT
    if name not in tables:
        raise ValueError(f"gate: expected one of {', '.join(tables)}, got {name!r}")
    inputs, targets = tables[name]
    return inputs.copy(), targets.copy()
