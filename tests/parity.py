"""Compare a NumPy layer with its PyTorch twin: outputs, every gradient, every dtype."""

import numpy as np
import torch

from tests import tables

DTYPES = [np.float64, np.float32]
LIMIT = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-5}


def error(got, wanted):
    """max |got - wanted| / max |wanted|, after asserting equal shapes."""
    got, wanted = _array(got), _array(wanted)
    assert got.shape == wanted.shape, f"shape {got.shape}, expected {wanted.shape}"
    if got.size == 0:
        return 0.0
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), np.finfo(float).tiny))


def assert_close(got, wanted, name="result"):
    """Equal shape and dtype, and error within 1e-12 (float64), 2e-5 (float32) or 0 (integers)."""
    wanted = _array(wanted)
    assert _array(got).dtype == wanted.dtype, f"{name}: dtype {_array(got).dtype}, expected {wanted.dtype}"
    assert error(got, wanted) <= LIMIT.get(wanted.dtype, 0), f"{name}: error {error(got, wanted):.1e}"


def assert_like_torch(layer, twin, *inputs, rng, dtype=np.float64):
    """One forward and one backward pass of both, with the same weights and a random upstream gradient.

    twin: a torch module that takes the same inputs, or a plain function if the layer has no parameters.
    Returns the error of every result, by name.
    """
    inputs = [_cast(array, dtype) for array in inputs]
    if layer.params:
        layer.load_state_dict({name: _cast(array, dtype) for name, array in layer.state_dict().items()})
        twin.to(torch.float64 if dtype == np.float64 else torch.float32)
        twin.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in layer.state_dict().items()})
        twin.zero_grad()
    tensors = [_tensor(array) for array in inputs]
    y, expected = first(layer.forward(*inputs)), first(twin(*tensors))
    pairs = {"output": (y, expected)}
    if expected.ndim:
        dout = rng.standard_normal(y.shape).astype(dtype)
        dinputs = layer.backward(dout)
        expected.backward(torch.from_numpy(dout))
    else:
        pairs["output"] = np.asarray(y, dtype), expected  # a loss is a plain float
        dinputs = layer.backward()
        expected.backward()
    for i, d in enumerate(dinputs if isinstance(dinputs, tuple) else (dinputs,)):
        if tensors[i].requires_grad:
            pairs[f"input {i}"] = d, tensors[i].grad
    if layer.params:
        pairs |= {name: (layer.grads[name], p.grad) for name, p in twin.named_parameters()}
    for name, (got, wanted) in pairs.items():
        assert_close(got, wanted, name)
    errors = {name: error(got, wanted) for name, (got, wanted) in pairs.items()}
    tables.worst(
        getattr(layer, "stands_for", type(layer).__name__), np.dtype(dtype).name, max(errors.values())
    )
    return errors


def first(result):
    return result[0] if isinstance(result, tuple) else result


def _array(value):
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _cast(array, dtype):
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _tensor(array):
    tensor = torch.from_numpy(array.copy())
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor
