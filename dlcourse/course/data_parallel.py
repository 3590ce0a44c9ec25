"""Training in several processes: one program for one, two, or many machines.

One process:    python -m dlcourse.course.data_parallel OUT
Two processes:  torchrun --standalone --nproc-per-node=2
                    -m dlcourse.course.data_parallel OUT

Every worker holds the whole network and takes an equal part of every batch.
When one dies, `torchrun --max-restarts=1` starts all of them again, and they
go on from the last checkpoint in OUT. Chapter: 24_scale.
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
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has only one
PLACE = {  # torchrun sets these: which worker, of how many, in which life
    "RANK": 0,
    "WORLD_SIZE": 1,
    "TORCHELASTIC_RESTART_COUNT": 0,
}


def train(out, epochs=3, kill=None):
    """Train on the digits; leave state, first gradient and story in `out`.

    kill  (epoch, step) at which the last worker of the first life is killed
    """
    out = Path(out)
    rank, world, life = (int(os.environ.get(k, v)) for k, v in PLACE.items())
    model = MLP([64, 32, 10], rng=np.random.default_rng(1), dtype=torch.float64)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    rng = np.random.default_rng(2)  # the same order of rows in every worker
    first, state = 0, out / "state.safetensors"
    if state.exists():
        first, _ = checkpoint.resume(state, model, sgd, rng=rng)
    net = model
    if world > 1:
        meet(rank, world, life)
        net = DistributedDataParallel(model)
    if rank == 0:
        with open(out / "lives.jsonl", "a", encoding="utf-8") as file:
            story = {"life": life, "from": first, "workers": world}
            print(json.dumps(story), file=file)

    doomed = kill and (rank, life) == (world - 1, 0)
    x, y = map(torch.from_numpy, digits(0)[:2])
    for epoch in range(first, epochs):
        order = rng.permutation(len(x))
        for step in range(len(x) // BATCH):  # no incomplete, unequal batch
            batch = order[step * BATCH : (step + 1) * BATCH]
            mine = batch[rank::world]
            sgd.zero_grad()
            loss = nn.functional.cross_entropy(net(x[mine]), y[mine])
            loss.backward()  # here the gradients are averaged
            if doomed and [epoch, step] == list(kill):
                os.kill(os.getpid(), KILL)
            if (rank, epoch, step) == (0, 0, 0):
                named = model.named_parameters()
                grads = {name: p.grad.numpy() for name, p in named}
                checkpoint.save(out / "gradient.safetensors", grads)
            sgd.step()
        if rank == 0:
            checkpoint.save_training(state, model, sgd, rng=rng, epoch=epoch + 1)
    if world > 1:
        distributed.barrier()  # nobody leaves before the last checkpoint
        # The last user of a process group waits for its threads, which may
        # wait for Python's lock: `destroy` releases it, the network does not.
        del net
        distributed.destroy_process_group()


def meet(rank, world, life):
    """Wait until all workers of this life are there, and connect them."""
    place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = distributed.TCPStore(*place, is_master=False, timeout=LIMIT)
    # The store is torchrun's and outlives us; the dead have written into it.
    store = distributed.PrefixStore(f"life {life}", store)
    size = {"rank": rank, "world_size": world}
    distributed.init_process_group("gloo", store=store, timeout=LIMIT, **size)


def launch(out, *words, workers=2, restarts=0, seconds=240):
    """Run this program under torchrun, on a free port; return its lives.

    Raises RuntimeError with torchrun's last lines if it fails, and
    TimeoutExpired if it takes longer than `seconds`.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={workers}", f"--max-restarts={restarts}"]
    command += ["-m", "dlcourse.course.data_parallel", str(out)]
    process = subprocess.Popen(
        [*command, *map(str, words)],
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
    story = (Path(out) / "lives.jsonl").read_text("utf-8")
    return [json.loads(line) for line in story.splitlines()]


def main():
    parser = argparse.ArgumentParser(description="data-parallel training")
    parser.add_argument("out", type=Path, help="the folder for checkpoints")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--kill",
        nargs=2,
        type=int,
        metavar=("EPOCH", "STEP"),
        help="where the last worker dies, once",
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    train(given.out, given.epochs, given.kill)


if __name__ == "__main__":
    main()
