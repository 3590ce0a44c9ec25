"""The cargo workspace: formatted, free of lints, its own tests pass, and it computes what NumPy computes."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from dlcourse import reference as ref
from dlcourse.course.rust import crates, toolchain

pytestmark = pytest.mark.skipif(
    not shutil.which("cargo") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST
)

LIGHT = ["core", "arrays"]  # a minute to build on two cores


def cargo(*arguments, **environment):
    """Run cargo in the workspace, and return what it prints; fails with cargo's own words."""
    rust = toolchain.toolchain()
    environment = rust.environment | {"CARGO_TARGET_DIR": str(crates.target_folder())} | environment
    done = subprocess.run(
        [rust.cargo, *arguments],
        cwd=crates.WORKSPACE,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages(members):
    return [word for member in members for word in ("-p", f"dlcourse-{member}")]


def test_the_pinned_rust_is_the_one_that_cells_expect():
    pinned = (crates.WORKSPACE / "rust-toolchain.toml").read_text()
    assert f'channel = "{toolchain.PINNED}.' in pinned


def test_formatted():
    cargo("fmt", "--all", "--check")


def test_no_lints():
    cargo("clippy", "--locked", "--all-targets", *packages(LIGHT), "--", "-D", "warnings")


@pytest.mark.parametrize("member", LIGHT)
def test_the_members_own_tests_pass(member):
    passed = re.findall(r"(\d+) passed", cargo("test", "--release", "--locked", *packages([member])))
    assert sum(map(int, passed)) >= 5


# Parity: fixtures made by dlcourse.reference, compared by rust/core/tests/parity.rs


def perceptron(rng):
    unit = ref.Perceptron(3)
    x, target = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    mistakes = [unit.update(x, target, 0.1) for _ in range(5)]
    return {"x": x, "target": target, "mistakes": mistakes, "y": unit(x), **unit.params}


def mlp(rng):
    net, loss = ref.MLP((2, 8, 1), "tanh", rng=rng), ref.BCEWithLogitsLoss()
    x, target = rng.normal(size=(7, 2)), rng.integers(0, 2, (7, 1)).astype(float)
    fixture = {"x": x, "target": target, "logits": net(x), **net.state_dict()}
    optimiser, losses = ref.SGD(net, lr=0.5), []
    for _ in range(50):
        losses.append(loss(net(x), target))
        net.backward(loss.backward())
        fixture.setdefault("gradient", flat(net.grads[name] for name in net.params))
        optimiser.step()
    return fixture | {"loss": losses[0], "losses": losses, "trained": flat(net.params.values())}


def optim(rng):
    grads = rng.normal(size=(30, 6))
    fixture = {"grads": grads, "start": rng.normal(size=6)}
    for name, make in {"sgd": lambda m: ref.SGD(m, 0.05, 0.9), "adam": lambda m: ref.Adam(m, 0.01)}.items():
        model = ref.Linear(6, 1, bias=False, rng=rng)
        model.params["weight"][:] = fixture["start"]
        optimiser = make(model)
        for g in grads:
            model.grads["weight"] = g[None].copy()
            optimiser.step()
        fixture[name] = model.params["weight"]
    return fixture


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


FIXTURES = [perceptron, mlp, optim]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """{name: "ok" or "FAILED"} of the Rust tests, after the fixtures of all concepts were written."""
    folder = tmp_path_factory.mktemp("fixtures")
    for make in FIXTURES:
        arrays = make(np.random.default_rng(7))
        lines = [" ".join([name, *map(repr, map(float, np.ravel(a)))]) for name, a in arrays.items()]
        (folder / f"{make.__name__}.txt").write_text("\n".join(lines))
    words = ["test", "--release", "--locked", *packages(["core"]), "--test", "parity", "--no-fail-fast"]
    printed = cargo(*words, "--", "--ignored", DLCOURSE_FIXTURES=str(folder))
    return dict(re.findall(r"^test (\w+) \.\.\. (\w+)", printed, re.M))


@pytest.mark.parametrize("concept", [make.__name__ for make in FIXTURES])
def test_rust_computes_what_numpy_computes(compared, concept):
    assert compared[concept] == "ok"


def test_every_parity_test_has_its_fixture(compared):
    assert compared.keys() == {make.__name__ for make in FIXTURES}
