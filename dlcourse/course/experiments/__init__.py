"""Experiments over many seeds: one module per chapter (`perceptron_xor.py` to `07_perceptron_xor`).

They run in `make record`, not in the chapters; `dlcourse.course.recorded` reads what came out:

    @experiment("07_perceptron_xor", "width", [{"hidden": n} for n in (1, 2)], seeds=50, band={"loss": 1e-3})
    def width(seed, *, hidden):
        ...
        return {"solved": bool(right), "loss": loss}
"""
