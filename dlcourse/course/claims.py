"""A textbook's claim beside what this machine measured: a box in the chapter, a row of the Claims page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlcourse.course.markup import asset, inline

MIME = "application/vnd.dlcourse.claim+json"
MOST_WORDS = 15
VERDICTS = {"holds": ("✓", "holds"), "does not hold": ("✗", "fails"), "depends": ("±", "depends")}


@dataclass(frozen=True)
class Claim:
    """What a source says, what came out, and the verdict that follows; displays itself."""

    id: str
    source: str
    says: str
    measured: str | dict[str, str]
    verdict: str
    why: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text(), "text/html": self.html(), MIME: dict(vars(self))}

    def _measured(self):
        if isinstance(self.measured, str):
            return self.measured
        return "; ".join(f"{name}: {value}" for name, value in self.measured.items())

    def text(self):
        head = f"Claim {self.id} ({self.source}): {self.says}"
        return f"{head}\nMeasured: {self._measured()}\n{self._sign()} {self.verdict}: {self.why}"

    def _sign(self):
        return VERDICTS[self.verdict][0]

    def html(self):
        """The box; its look is in rules of no specificity, so that a page's own stylesheet wins."""
        kind = VERDICTS[self.verdict][1]
        return (
            f'{asset("claim.css")}<div class="claim claim-{kind}" id="claim-{self.id}" role="group" '
            f'aria-label="Claim {self.id}: {self.verdict}">\n'
            f'<p class="claim-source"><strong>Claim {self.id}</strong> · {inline(self.source)}</p>\n'
            f'<p class="claim-says">{inline(self.says)}</p>\n'
            f'<p class="claim-measured"><strong>Measured</strong> {inline(self._measured())}</p>\n'
            f'<p class="claim-verdict"><strong>{self._sign()} {self.verdict}.</strong> '
            f'<span class="claim-why">{inline(self.why)}</span></p>\n</div>'
        )


def claim(id, *, source, says, measured, holds, why):
    """Return the box for one claim, to be the last line of a cell; the verdict follows from `holds`.

    id        "B4.5-parallel": letters, digits, dots and hyphens, unique in the book
    source    edition and section; says: what is claimed there, in at most 15 words of ours
    measured  a number, a text, or a dict of them; numbers are shown with three significant digits
    holds     a truth value, or several: all true "holds", all false "does not hold", mixed "depends"
    why       one or two sentences that explain the outcome

    Raises ValueError for a bad id, too many words, an empty text; TypeError if `holds` is not bool.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", id):
        raise ValueError(f"claim: expected an id of letters, digits, dots and hyphens, got {id!r}")
    if (words := len(says.split())) > MOST_WORDS:
        raise ValueError(f"claim {id}: expected at most {MOST_WORDS} words, got {words}")
    for name, text in (("source", source), ("says", says), ("why", why)):
        if not text.strip():
            raise ValueError(f"claim {id}: expected a text for {name}, got an empty one")
    if isinstance(measured, Mapping):
        measured = {str(name): significant(value) for name, value in measured.items()}
    else:
        measured = significant(measured)
    return Claim(id, source, says, measured, _verdict(id, holds), why)


def _verdict(id, holds):
    several = list(holds) if isinstance(holds, list | tuple | np.ndarray) else [holds]
    if not several:
        raise ValueError(f"claim {id}: expected at least one truth value in holds, got none")
    for one in several:
        if not isinstance(one, bool | np.bool_):
            raise TypeError(f"claim {id}: expected holds to be True, False or a list of them, got {one!r}")
    return "holds" if all(several) else "depends" if any(several) else "does not hold"


def significant(value):
    """A text as it is; a whole number as it is; another number with three significant digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    value = float(value)
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if 1e-4 <= abs(value) < 1e6:
        decimals = max(0, 2 - int(np.floor(np.log10(abs(float(f"{value:.3g}"))))))
        return f"{float(f'{value:.3g}'):.{decimals}f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10^{int(exponent)}"
