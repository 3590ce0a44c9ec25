"""Check a hand-written gradient against central differences."""

import copy

import numpy as np

from dlcourse.checks import expect_number, expect_rng

TOLERANCE = 1e-6  # central differences are good to about 1e-9, a wrong term is off by 1e-3 and more


def numerical_gradient(f, x, step=1e-6):
    """Return df/dx by central differences: (f(x + step) - f(x - step)) / (2 step), one entry of x at a time.

    f  () -> float, reads x; x is changed in place and restored.

    Raises TypeError unless x is in float64: with fewer digits the differences are noise, with none zero.
    """
    expect_number("numerical_gradient", "step", step, 1e-12)
    if not isinstance(x, np.ndarray) or x.dtype.newbyteorder("=") != np.float64 or not x.flags.writeable:
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"numerical_gradient: expected x, a float64 array that can be changed, got {kind}")
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = f()
        x[index] = kept - step
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def gradient_errors(layer, *inputs, rng):
    """Return the worst relative error of each gradient of `layer` at `inputs`, by name.

    The gradient from above is random: with all ones, the true gradient of softmax and of normalisation is
    zero and many mistakes pass. Names are "input 0", "input 1", ... and the names of the parameters.
    A gradient that is missing or has the wrong shape has error inf. `layer` is a layer or a loss, in float64;
    integer and boolean inputs (indices, labels, masks) and inputs that `backward` omits are left alone.

    Raises TypeError for float32 parameters. Source: goodfellow2016, section 11.5. Chapter: 10_backprop_max.
    """
    for name, array in layer.params.items():
        if array.dtype != np.float64:
            raise TypeError(f"{layer}: differences need float64, but {name} is {array.dtype}")
    expect_rng("gradient_errors", rng)
    inputs = [_prepare(array) for array in inputs]
    _pass(layer, [_other(array) for array in inputs], rng)  # so that stale caches and leftovers show
    before = copy.deepcopy(layer)  # the passes move generators and running averages on
    dout, dinputs = _pass(layer, inputs, rng)
    found = {f"input {i}": (inputs[i], d) for i, d in enumerate(dinputs) if _is_float(inputs[i])}
    found |= {name: (array, layer.grads.get(name)) for name, array in before.params.items()}

    def objective():
        # a copy each time: dropout draws the same mask again
        return float(np.sum(dout * _output(copy.deepcopy(before).forward(*inputs))))

    return {name: _error(d, numerical_gradient(objective, array)) for name, (array, d) in found.items()}


def assert_gradients(layer, *inputs, rng, tolerance=TOLERANCE):
    """Return `gradient_errors`; AssertionError, naming all that are wrong, unless within tolerance."""
    expect_number("assert_gradients", "tolerance", tolerance, 0)
    errors = gradient_errors(layer, *inputs, rng=rng)
    wrong = {name: error for name, error in errors.items() if not error <= tolerance}
    if wrong:
        listed = ", ".join(f"{name} {error:.1e}" for name, error in wrong.items())
        raise AssertionError(f"{layer}: relative gradient error above {tolerance:g}: {listed}")
    return errors


def _is_float(array):
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def _prepare(array):
    array = copy.deepcopy(array)
    return array.astype(np.float64) if _is_float(array) else array


def _other(array):
    """The same numbers elsewhere: still probabilities, labels, lengths; masks stay as they are."""
    return np.flip(array) if isinstance(array, np.ndarray) and array.dtype != bool else array


def _output(result):
    return result[0] if isinstance(result, tuple) else result  # recurrent layers return (y, state)


def _pass(layer, inputs, rng):
    """Forward and backward with a random gradient from above; return it and the gradients of the inputs."""
    y = _output(layer.forward(*inputs))
    if np.ndim(y) == 0:  # a loss: nothing above it
        dout, dinputs = 1.0, layer.backward()
    else:
        dout = rng.standard_normal(y.shape)
        dinputs = layer.backward(dout.copy())
    return dout, dinputs if isinstance(dinputs, tuple) else (dinputs,)


def _error(got, wanted):
    if got is None or np.shape(got) != wanted.shape:
        return np.inf
    scale = max(np.abs(wanted).max(initial=0), 1e-3)  # where the gradient is zero there is no scale
    return float(np.abs(got - wanted).max(initial=0) / scale)
