"""Training in several processes: one program for one process, for two, and for many machines.

    python -m dlcourse.course.data_parallel OUT                                  one process
    torchrun --standalone --nproc-per-node=2 -m dlcourse.course.data_parallel OUT        two

Every worker holds the whole network and takes an equal part of every batch. A worker that dies is started
again by `torchrun --max-restarts=1`, together with the others; all go on from the last checkpoint in OUT.
Chapter: 24_scale.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from dlcourse import checkpoint
from dlcourse.data.digits import digits
from dlcourse.pytorch import MLP

BATCH = 64  # rows of one step, over all workers together
LIMIT = timedelta(seconds=60)  # longer than this nobody waits for the others
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has one way to end a process


def train(out, epochs=3, kill=None):
    """Train on the digits; leave the state, the first gradient and the story of each life in `out`.

    kill  (epoch, step) at which the last worker of the first life ends without a word
    """
    rank, world, life = (int(os.environ.get(name, default)) for name, default in PLACE.items())
    model = MLP([64, 32, 10], rng=np.random.default_rng(1), dtype=torch.float64)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    rng = np.random.default_rng(2)  # the same order of rows in every worker
    state = Path(out) / "state.safetensors"
    first = checkpoint.resume(state, model, sgd, rng=rng)[0] if state.exists() else 0
    if world > 1:
        meet(rank, world, life)
    net = DistributedDataParallel(model) if world > 1 else model
    if rank == 0:
        with open(Path(out) / "lives.jsonl", "a", encoding="utf-8") as file:
            print(json.dumps({"life": life, "from": first, "workers": world}), file=file)

    x, y = map(torch.from_numpy, digits(0)[:2])
    for epoch in range(first, epochs):
        order = rng.permutation(len(x))
        for step in range(len(x) // BATCH):  # an incomplete last batch would make unequal shards
            rows = order[step * BATCH : (step + 1) * BATCH][rank::world]
            sgd.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()  # averages over the workers
            if (epoch, step) == kill and (rank, life) == (world - 1, 0):
                os.kill(os.getpid(), KILL)
            if (rank, epoch, step) == (0, 0, 0):
                gradient = {name: p.grad for name, p in model.named_parameters()}
                checkpoint.save(Path(out) / "gradient.safetensors", gradient)
            sgd.step()
        if rank == 0:
            checkpoint.save_training(state, model, sgd, rng=rng, epoch=epoch + 1)
    if world > 1:
        distributed.barrier()  # nobody leaves before the last checkpoint is written
        distributed.destroy_process_group()


def meet(rank, world, life):
    """Wait until all workers of this life are there, and connect them."""
    place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = distributed.TCPStore(*place, is_master=False, timeout=LIMIT)  # torchrun itself is the master
    store = distributed.PrefixStore(f"life {life}", store)  # the dead have left their addresses there
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=LIMIT)


PLACE = {"RANK": 0, "WORLD_SIZE": 1, "TORCHELASTIC_RESTART_COUNT": 0}  # torchrun sets them


def launch(out, *words, workers=2, restarts=0, seconds=240):
    """Run this program under torchrun on this machine, on a free port; return the lives it had.

    Raises RuntimeError with torchrun's last lines if it fails, or takes longer than `seconds`.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={workers}", f"--max-restarts={restarts}"]
    command += ["-m", "dlcourse.course.data_parallel", str(out), *map(str, words)]
    process = subprocess.Popen(
        command,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.terminate()  # torchrun ends its workers before itself
            process.communicate()
    if process.returncode:
        raise RuntimeError("\n".join(errors.splitlines()[-20:]))
    return [json.loads(line) for line in (Path(out) / "lives.jsonl").read_text("utf-8").splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder for checkpoints")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--kill", nargs=2, type=int, metavar=("EPOCH", "STEP"), help="where the last worker dies, once"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    train(given.out, given.epochs, given.kill and tuple(given.kill))


if __name__ == "__main__":
    main()
