"""Values as plain data: what an answer returned, without trusting one method of its own.

Everything here uses operators and names bound at import: whoever patches `np.allclose` in the notebook,
or returns an object whose `__eq__` always says True, changes nothing in a verdict.
"""

import sys

from numpy import array, array2string, asarray, errstate, ndarray, sctypeDict, unravel_index

SCALARS = (type(None), bool, int, float, complex, str)
NUMPY_SCALARS = frozenset(sctypeDict.values())
FAMILIES = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats", "c": "complex numbers"}
MOST_ELEMENTS, MOST_ITEMS, DEEPEST = 10_000_000, 1_000_000, 20


class NotPlain(TypeError):
    """A value that cannot be judged; the message completes the sentence "your answer returned"."""


def plain(value):
    """Copy a value into None, bool, int, float, complex, str, ndarray, or list, tuple, dict of these.

    Only exact types count: an instance of a class with its own `__eq__` or `__array__` raises NotPlain.
    """
    return _plain(value, [MOST_ITEMS], DEEPEST)


def _plain(value, left, depth):
    kind, left[0] = type(value), left[0] - 1
    items = len(value) if kind in (list, tuple, dict) else 0
    if items > left[0] or depth < 0:
        raise NotPlain(f"lists of more than {MOST_ITEMS:,} items, or nested deeper than {DEEPEST}")
    if kind in SCALARS:
        if kind is int and value.bit_length() > 1000:
            raise NotPlain(f"a whole number of {value.bit_length():,} bits")
        return value
    if kind is list or kind is tuple:
        return kind(_plain(item, left, depth - 1) for item in value)
    if kind is dict:
        return {_key(k): _plain(item, left, depth - 1) for k, item in value.items()}
    if kind in NUMPY_SCALARS:
        value = asarray(value)
    return _array(value if type(value) is ndarray else _tensor(value))


def _key(key):
    if type(key) not in SCALARS:
        raise NotPlain(f"a dict with a key of type {type(key).__name__}")
    return key


def _tensor(value):
    torch = sys.modules.get("torch")
    if torch is None or type(value) not in (torch.Tensor, torch.nn.Parameter):
        name = type(value).__name__
        raise NotPlain(f"an object of type {name}: return numbers, text, arrays or lists of these")
    return value.detach().cpu().numpy()


def _array(value):
    if value.dtype.kind not in FAMILIES and value.dtype.kind != "U":
        raise NotPlain(f"an array of dtype {value.dtype}: return an array of numbers")
    if value.size > MOST_ELEMENTS:
        raise NotPlain(f"an array of {value.size:,} elements")
    return value.item() if value.ndim == 0 else array(value)


def encode(value):
    """A plain value as JSON-ready data: arrays, tuples and complex numbers are tagged."""
    if type(value) is ndarray:
        flat = [encode(item) for item in value.ravel().tolist()]
        return {"array": flat, "shape": list(value.shape), "dtype": value.dtype.str}
    if type(value) is complex:
        return {"complex": [value.real, value.imag]}
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    if type(value) is list:
        return [encode(item) for item in value]
    if type(value) is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    return value


def decode(data):
    """The plain value that `encode` wrote; ValueError for anything else."""
    if type(data) is list:
        return [decode(item) for item in data]
    if type(data) is not dict:
        return data
    if data.keys() == {"array", "shape", "dtype"}:
        return array(decode(data["array"]), dtype=data["dtype"]).reshape(data["shape"])
    if data.keys() == {"complex"}:
        return complex(*data["complex"])
    if data.keys() == {"tuple"}:
        return tuple(decode(item) for item in data["tuple"])
    if data.keys() == {"dict"}:
        return {decode(key): decode(item) for key, item in data["dict"]}
    raise ValueError(f"expected an encoded value, got a dict with the keys {sorted(data)}")


def size(value):
    """How many numbers a case holds: the smallest failing case is shown first."""
    if type(value) is ndarray:
        return value.size
    if type(value) in (list, tuple):
        return 1 + sum(map(size, value))
    if type(value) is dict:
        return 1 + sum(map(size, value.values()))
    return len(value) if type(value) is str else 1


def same(left, right):
    """Whether two values are equal, NaN to NaN; objects that are not plain count as equal."""
    try:
        return difference(plain(left), plain(right), rtol=0, atol=0) is None
    except NotPlain:
        if type(left) in (list, tuple) and type(right) is type(left) and len(left) == len(right):
            return all(map(same, left, right))
        return True


def difference(expected, got, *, rtol, atol, any_number=False, where=""):
    """Say in one sentence how a plain value differs from the expected one; None where it does not.

    Compared in this order: kind, dtype family, shape, values: |got - expected| <= atol + rtol |expected|.
    """
    rules = {"rtol": rtol, "atol": atol, "any_number": any_number}
    if type(expected) is ndarray:
        return _array_difference(expected, got, where=where, **rules)
    if type(expected) in (list, tuple):
        if type(got) is ndarray:
            got = got.tolist()
        return _list_difference(expected, got, where=where, **rules)
    if type(expected) is dict:
        return _dict_difference(expected, got, where=where, **rules)
    return _scalar_difference(expected, got, where=where, **rules)


def _list_difference(expected, got, *, where, **rules):
    if type(got) not in (list, tuple):
        return f"expected {kind(expected)}{where}, got {kind(got)}"
    if len(got) != len(expected):
        return f"expected {len(expected)} items{where}, got {len(got)}"
    pairs = enumerate(zip(expected, got))
    found = (difference(e, g, where=f"{where or ' at '}[{i}]", **rules) for i, (e, g) in pairs)
    return next((text for text in found if text), None)


def _dict_difference(expected, got, *, where, **rules):
    if type(got) is not dict:
        return f"expected a dict{where}, got {kind(got)}"
    if got.keys() != expected.keys():
        return f"expected the keys {sorted(map(str, expected))}{where}, got {sorted(map(str, got))}"
    found = (difference(e, got[k], where=f"{where or ' at '}[{k!r}]", **rules) for k, e in expected.items())
    return next((text for text in found if text), None)


def _array_difference(expected, got, *, where, any_number, **tolerance):
    if type(got) in (list, tuple):
        try:
            got = array(got)
        except (ValueError, TypeError):
            return f"expected an array{where}, got a list with rows of different lengths"
        if got.dtype.kind in "iu" and expected.dtype.kind == "f":
            got = got.astype(float)  # [1, 2] as a list has not chosen a dtype
    if type(got) is not ndarray:
        return f"expected {kind(expected)}{where}, got {kind(got)}"
    wanted, found = (FAMILIES.get(a.dtype.kind, "text") for a in (expected, got))
    numbers = "text" not in (wanted, found)
    if wanted != found and not (any_number and numbers):
        return f"expected an array of {wanted}{where}, got {found} ({got.dtype})"
    if got.shape != expected.shape:
        return f"expected shape {expected.shape}{where}, got {got.shape}"
    if not numbers:
        return None if (expected == got).all() else f"the texts differ{where}"
    return _values_differ(expected, got, where=where, **tolerance)


def _values_differ(expected, got, *, rtol, atol, where):
    if expected.dtype.kind in "bu":
        expected = expected.astype(int)
    if got.dtype.kind in "bu":
        got = got.astype(int)
    with errstate(all="ignore"):
        close = abs(got - expected) <= atol + rtol * abs(expected)
        close = (close & (abs(expected) < float("inf"))) | (got == expected)
        close = close | ((got != got) & (expected != expected))
    wrong = (~close).ravel()
    if not wrong.any():
        return None
    strange = ((got != got) & (expected == expected)).ravel()
    first = int((strange if strange.any() else wrong).argmax())
    spot = [int(i) for i in unravel_index(first, expected.shape)]
    if strange.any():
        return f"your result has a NaN at {where.removeprefix(' at ')}{spot}"
    count = f"{int(wrong.sum())} of {wrong.size} values differ"
    spot = f"{where.removeprefix(' at ')}{spot}"
    return f"{count}; at {spot} {apart(expected.ravel()[first], got.ravel()[first])}"


def _scalar_difference(expected, got, *, where, rtol, atol, any_number):
    numbers = (bool, int, float, complex)
    if type(expected) in numbers and type(got) in numbers:
        fits = type(got) is type(expected) or (type(expected), type(got)) in ((float, int), (complex, float))
        if not (fits or any_number):
            return f"expected {kind(expected)}{where}, got {kind(got)}"
        if got != got and expected == expected:
            return f"your result is NaN{where}"
        if got == expected or (got != got and expected != expected):
            return None
        finite = abs(expected) < float("inf")
        if finite and abs(got - expected) <= atol + rtol * abs(expected):
            return None
        return apart(expected, got) + where
    if type(got) is not type(expected):
        return f"expected {kind(expected)}{where}, got {kind(got)}"
    return None if got == expected else f"expected {show(expected)}{where}, got {show(got)}"


def kind(value):
    """What a plain value is, in words."""
    words = {bool: "True or False", int: "a whole number", float: "a float", complex: "a complex number"}
    words |= {str: "a text", list: "a list", tuple: "a tuple", dict: "a dict", type(None): "None"}
    if type(value) is ndarray:
        return f"an array of shape {value.shape}"
    if type(value) in (bool, int, float):
        return f"{words[type(value)]} ({show(value)})"
    return f"{words[type(value)]} of {len(value)}" if type(value) in (list, tuple) else words[type(value)]


def number(value, digits=4):
    """A number with four significant digits; a whole float keeps its point, an integer all its digits."""
    value = value.item() if type(value) in NUMPY_SCALARS else value
    if type(value) not in (float, complex):
        return repr(value)
    text = f"{value:.{digits}g}"
    return text + ".0" if text.lstrip("-").isdigit() else text


def apart(expected, got):
    """Two numbers in words, with as many digits as it takes to see that they differ."""
    digits = next((d for d in (4, 8, 12, 17) if number(expected, d) != number(got, d)), 17)
    return f"expected {number(expected, digits)}, got {number(got, digits)}"


def show(value, most=8, width=96):
    """A plain value in at most `most` short lines."""
    if type(value) is ndarray:
        style = {"precision": 4, "threshold": 60, "edgeitems": 2, "separator": ", "}
        text = array2string(value, max_line_width=width, **style)
    elif type(value) in (float, complex):
        text = number(value)
    elif type(value) in (list, tuple):
        inner = ", ".join([*(show(item, most, width) for item in value[:12]), *["..."][: len(value) > 12]])
        text = f"[{inner}]" if type(value) is list else f"({inner}{',' * (len(value) == 1)})"
    elif type(value) is dict:
        text = "{" + ", ".join(f"{k!r}: {show(v, most, width)}" for k, v in list(value.items())[:12]) + "}"
    elif type(value) in SCALARS:
        text = repr(value)
    else:
        text = getattr(value, "__name__", f"<{type(value).__name__}>")
    lines = text.splitlines() if len(text.splitlines()) <= most else [*text.splitlines()[: most - 1], "..."]
    return "\n".join(line if len(line) <= 2 * width else line[: 2 * width] + " ..." for line in lines)
