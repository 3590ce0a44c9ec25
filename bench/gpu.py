"""The PyTorch twins on an accelerator: first parity with the NumPy reference, then speed against the CPU.

`python -m bench.gpu` writes bench/results/gpu.json; without an accelerator it says so and fails.
Parity: equal weights and inputs, a random gradient from above; NumPy in float64, torch in float32 on
the device, without TF32. Speed: forward and backward, the CPU's time over the device's, each the median
of several runs; above 1 the device is faster.
"""

import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dlcourse.pytorch import cnn as torch_cnn
from dlcourse.pytorch import mlp as torch_mlp
from dlcourse.pytorch import seq2seq as torch_seq2seq
from dlcourse.pytorch import transformer as torch_transformer
from dlcourse.pytorch.device import device
from dlcourse.reference import cnn, mlp, seq2seq, transformer

RESULTS = Path(__file__).parent / "results" / "gpu.json"
TOLERANCE = 1e-4  # float32 on another processor, max |a - b| ÷ max |b|


@dataclass(frozen=True)
class Case:
    """A model at the size of its chapter and at a larger one: twins, constructor arguments, inputs."""

    name: str
    ours: type
    theirs: type
    arguments: dict  # "chapter" and "large": keyword arguments of both constructors
    inputs: dict  # likewise: rng -> tuple of arrays


def tokens(vocabulary, *shape):
    return lambda rng: rng.integers(0, vocabulary, shape)


CASES = [
    Case(
        "MLP",
        mlp.MLP,
        torch_mlp.MLP,
        {"chapter": {"sizes": (64, 128, 10)}, "large": {"sizes": (784, 4096, 4096, 10)}},
        {"chapter": lambda r: (r.normal(size=(32, 64)),), "large": lambda r: (r.normal(size=(1024, 784)),)},
    ),
    Case(
        "CNN",
        cnn.CNN,
        torch_cnn.CNN,
        {"chapter": {"dropout": 0.0}, "large": {"image_size": 32, "channels": (64, 128), "dropout": 0.0}},
        {
            "chapter": lambda r: (r.normal(size=(64, 1, 8, 8)),),
            "large": lambda r: (r.normal(size=(256, 1, 32, 32)),),
        },
    ),
    Case(
        "Seq2Seq (GRU, attention)",
        seq2seq.Seq2Seq,
        torch_seq2seq.Seq2Seq,
        {
            size: {"source_size": 12, "target_size": 12, "attention": True} | widths
            for size, widths in {
                "chapter": {"embedding_dim": 32, "hidden_size": 64},
                "large": {"embedding_dim": 256, "hidden_size": 1024},
            }.items()
        },
        {
            "chapter": lambda r: (tokens(12, 16, 9)(r), tokens(12, 16, 8)(r)),
            "large": lambda r: (tokens(12, 256, 50)(r), tokens(12, 256, 50)(r)),
        },
    ),
    Case(
        "CausalLM (mini-GPT)",
        transformer.CausalLM,
        torch_transformer.CausalLM,
        {
            "chapter": {"vocabulary_size": 30, "context": 64},
            "large": {
                "vocabulary_size": 5000,
                "context": 256,
                "embed_dim": 512,
                "num_heads": 8,
                "hidden_dim": 2048,
                "num_layers": 4,
            },
        },
        {"chapter": lambda r: (tokens(30, 8, 64)(r),), "large": lambda r: (tokens(5000, 16, 256)(r),)},
    ),
]


def as_tensor(array, where):
    tensor = torch.from_numpy(array)
    return (tensor.float() if array.dtype.kind == "f" else tensor).to(where)


def parity(case, where):
    """The worst relative difference of the output and of every parameter's gradient."""
    rng = np.random.default_rng(0)
    ours = case.ours(**case.arguments["chapter"], rng=rng)
    theirs = case.theirs(**case.arguments["chapter"], rng=np.random.default_rng(1)).to(where)
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()})
    inputs = case.inputs["chapter"](rng)
    y = ours.forward(*inputs)
    dout = rng.normal(size=y.shape)
    ours.backward(dout)
    output = theirs(*(as_tensor(array, where) for array in inputs))
    output.backward(as_tensor(dout, where))
    pairs = [(output.detach(), y)] + [(p.grad, ours.grads[name]) for name, p in theirs.named_parameters()]
    return max(float(abs(a.double().cpu().numpy() - b).max() / abs(b).max()) for a, b in pairs)


def step_time(case, size, where, runs=10):
    """Seconds of one forward and backward pass, the median of several after two to warm up."""
    model = case.theirs(**case.arguments[size], rng=np.random.default_rng(0)).to(where)
    inputs = [as_tensor(array, where) for array in case.inputs[size](np.random.default_rng(0))]
    seconds = []
    for _ in range(2 + runs):
        finish(where)
        start = time.perf_counter()
        model(*inputs).square().mean().backward()
        finish(where)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


def finish(where):
    """Wait for what the device still has to do: it works on while Python goes ahead."""
    if where.type in ("cuda", "mps"):
        getattr(torch, where.type).synchronize()


def main():
    where, host = device(), torch.device("cpu")
    if where.type == "cpu":
        sys.exit("bench.gpu: torch finds no accelerator on this machine, so there is nothing to record")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    rows = []
    for case in CASES:
        row = {"model": case.name, "parity": parity(case, where)}
        for size in ("chapter", "large"):
            row[size] = step_time(case, size, host, runs=5) / step_time(case, size, where)
        rows.append(row)
        print(
            f"{case.name:26} parity {row['parity']:.1e}   faster than the CPU: "
            f"{row['chapter']:6.2f} at the chapter's size, {row['large']:6.1f} at the larger"
        )
    name = torch.cuda.get_device_name() if where.type == "cuda" else where.type
    record = {
        "device": name,
        "cpu": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "tolerance": TOLERANCE,
        "rows": rows,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    new = RESULTS.with_suffix(".new")
    new.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(new, RESULTS)
    worst = max(row["parity"] for row in rows)
    if worst > TOLERANCE:
        sys.exit(f"bench.gpu: expected parity within {TOLERANCE:g}, got {worst:.1e}")


if __name__ == "__main__":
    main()
