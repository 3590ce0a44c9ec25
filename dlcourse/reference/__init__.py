"""Layers, losses and optimisers in NumPy, each with its backward pass written by hand."""

from dlcourse.reference import init
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear

__all__ = ["Layer", "Linear", "init"]
