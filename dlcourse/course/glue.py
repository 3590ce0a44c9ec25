"""Numbers for the prose: `glue("acc", acc)` in a cell, then {glue:text}`acc:.3f` in the text."""

import math

from IPython.display import display

PREFIX = "application/papermill.record/"  # the record that myst-nb reads and no front end shows


def glue(name, value):
    """Store a number, a truth value or a text for the prose, displaying nothing.

    A float keeps six significant digits, more than prose shows: a last bit then changes no notebook.
    Raises TypeError for any other value, ValueError for a bad name or a number that is not finite.
    """
    if not isinstance(name, str) or not name or ":" in name:
        raise ValueError(f"glue: expected a name without a colon, got {name!r}")
    value = value.item() if hasattr(value, "item") else value  # NumPy's and torch's scalars
    if not isinstance(value, bool | int | float | str):
        raise TypeError(f"glue({name!r}): expected a number or a text, got {type(value).__name__}")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"glue({name!r}): expected a finite number, got {value}")
        value = float(f"{value:.6g}")
    metadata = {"scrapbook": {"name": name, "mime_prefix": PREFIX}}
    display({f"{PREFIX}text/plain": repr(value)}, raw=True, metadata=metadata)
