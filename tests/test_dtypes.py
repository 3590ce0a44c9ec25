"""Every class that takes a dtype makes all its parameters of it, and float64 ones where nobody asks."""

import inspect

import numpy as np
import pytest

from tests.public_entries import ENTRIES
from tests.test_public_inputs import key

TAKING = [e for e in ENTRIES if isinstance(e.name, type) and "dtype" in inspect.signature(e.name).parameters]


def parameters(entry, **options):
    made, _ = entry.draw({letter: 3 for letter in entry.letters()} | {"...": (2,)}, 0)
    del made["dtype"]
    return entry.name(**made | options).params


@pytest.mark.parametrize("entry", TAKING, ids=[key(entry.name) for entry in TAKING])
def test_parameters_have_the_dtype_that_was_asked_for(entry):
    asked = {name: array.dtype for name, array in parameters(entry, dtype=np.float32).items()}
    assert asked == dict.fromkeys(asked, np.float32)
    usual = {name: array.dtype for name, array in parameters(entry).items()}
    assert usual == dict.fromkeys(usual, np.float64) and usual.keys() == asked.keys()


def test_there_are_such_classes():
    assert len(TAKING) > 15
