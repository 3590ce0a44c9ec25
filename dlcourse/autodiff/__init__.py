"""Programs that compute their own derivatives: forwards (dual numbers) and backwards (a tape)."""

from dlcourse.autodiff.dual import Dual, gradient_forward, jvp
from dlcourse.autodiff.graph import draw
from dlcourse.autodiff.tape import Tape, Variable, gradient

__all__ = ["Dual", "Tape", "Variable", "draw", "gradient", "gradient_forward", "jvp"]
