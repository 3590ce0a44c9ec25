"""A trained network behind HTTP: POST /predict {"rows": [[…], …]} gives {"classes": […]}, or {"error": …}.

`python -m dlcourse.serving digits.safetensors` prints its port as JSON, serves on this machine alone
until SIGTERM (or, with --stdin, until its standard input ends), answers what it has begun, and prints its
counts. Chapter: 25_deploy.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body

from dlcourse import checkpoint


@dataclass(frozen=True)
class Limits:
    """What one request may cost, and how many may be under way."""

    rows: int = 256
    bytes: int = 2**16  # of a body; more is read, thrown away and answered with 413
    most_bytes: int = 2**24  # the connection is closed
    in_flight: int = 32  # more are answered with 503
    seconds: float = 5.0  # for a body to arrive, else 408
    linger: float = 1.0  # after a stop, for requests that are on their way over open connections


class Refused(ValueError):
    """A request that will not be computed: the HTTP status and the words for it."""

    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def parse(body, features, most_rows):
    """The array (N, features) of a request's JSON body; Refused says in words what is wrong with it."""
    try:
        message = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # also NaN, a number of 5,000 digits, 10,000 brackets
        raise Refused(400, "expected a JSON object") from None
    if not isinstance(message, dict) or not isinstance(message.get("rows"), list):
        raise Refused(400, 'expected {"rows": [[…], …]}')
    rows = message["rows"]
    if not 1 <= len(rows) <= most_rows:
        raise Refused(400, f"expected 1 to {most_rows} rows, got {len(rows)}")
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != features:
            got = len(row) if isinstance(row, list) else type(row).__name__
            raise Refused(400, f"row {k}: expected {features} numbers, got {got}")
        if any(type(value) not in (int, float) for value in row):  # True is no number
            raise Refused(400, f"row {k}: expected numbers alone")
    with contextlib.suppress(OverflowError):  # an integer beyond the floats
        x = np.array(rows, dtype=float)
        if np.isfinite(x).all():
            return x
    raise Refused(400, "expected finite numbers")


def _no_constant(name):
    raise ValueError(name)  # NaN and Infinity are not JSON


@dataclass
class Service:
    """The model, its limits, and what has happened so far; `model` maps (N, features) to scores (N, C)."""

    model: object
    features: int
    limits: Limits = Limits()
    in_flight: int = 0
    stopping: bool = False
    status: collections.Counter = field(default_factory=collections.Counter)
    seconds: collections.deque = field(default_factory=lambda: collections.deque(maxlen=10_000))

    def answer(self, body):
        """(status, message) for the body of one request; whatever the model does, there is an answer."""
        try:
            x = parse(body, self.features, self.limits.rows)
            return 200, {"classes": np.argmax(self.model(x), axis=1).tolist()}
        except Refused as refused:
            return refused.status, {"error": str(refused)}
        except Exception as error:  # the caller learns nothing about the inside; the log does
            print(f"the model failed: {error!r}", file=sys.stderr)
            return 500, {"error": "the model failed"}

    def metrics(self):
        """Counts by status, requests under way, and percentiles of the times from headers to answer."""
        found = {"status": {str(k): n for k, n in sorted(self.status.items())}, "in flight": self.in_flight}
        times = sorted(self.seconds)
        for percent in (50, 95, 99) if times else ():
            rank = -(-percent * len(times) // 100)  # rounded up: a time that occurred
            found[f"p{percent} ms"] = round(1000 * times[rank - 1], 3)
        return found


class Handler(RequestHandler):
    """What all answers share: JSON, also for errors; no caller is told which software answers."""

    def initialize(self, service):
        self.service = service

    def set_default_headers(self):
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")

    def say(self, status, message):
        self.set_status(status)
        if status == 503:
            self.set_header("Retry-After", "1")
        if self.service.stopping:
            self.set_header("Connection", "close")
        self.finish(json.dumps(message))

    def write_error(self, status_code, **details):
        self.say(status_code, {"error": self._reason.lower()})


@stream_request_body
class Predict(Handler):
    """A request counts from its headers to its answer; its body is kept only while it is within limits."""

    def prepare(self):
        self.body, self.length, self.counted = bytearray(), 0, False
        self.start = time.perf_counter()
        if self.request.method != "POST":
            return
        self.counted = self.service.in_flight < self.service.limits.in_flight
        self.service.in_flight += self.counted
        loop = asyncio.get_running_loop()
        self.late = loop.call_later(self.service.limits.seconds, self.too_late)

    def data_received(self, chunk):
        self.length += len(chunk)
        if self.counted and self.length <= self.service.limits.bytes:
            self.body += chunk

    def post(self):
        if self._finished:
            return
        most = self.service.limits.bytes
        if not self.counted:
            self.say(503, {"error": "busy: try again in a second"})
        elif self.length > most:
            self.say(413, {"error": f"expected at most {most} bytes, got {self.length}"})
        else:
            self.say(*self.service.answer(bytes(self.body)))

    def too_late(self):
        if not self._finished:
            self.say(408, {"error": f"the body did not arrive in {self.service.limits.seconds:g} s"})

    def on_finish(self):
        self.service.status[self.get_status()] += 1
        self.service.seconds.append(time.perf_counter() - self.start)
        self.leave()

    def on_connection_close(self):  # the client has gone
        self.leave()

    def leave(self):
        self.service.in_flight -= self.counted
        self.counted = False
        if late := getattr(self, "late", None):
            late.cancel()


class Metrics(Handler):
    def get(self):
        self.say(200, self.service.metrics())


class NotFound(Handler):
    def prepare(self):
        self.say(404, {"error": "expected /predict or /metrics"})


def application(service):
    shared = {"service": service}
    routes = [("/predict", Predict, shared), ("/metrics", Metrics, shared)]
    return Application(
        routes, default_handler_class=NotFound, default_handler_args=shared, log_function=lambda handler: None
    )


async def serve(service, *, port, ready, stop):
    """Serve until the event `stop` is set, then finish what has begun; `ready(port)` is called once."""
    limits = service.limits
    server = HTTPServer(application(service), max_body_size=limits.most_bytes, idle_connection_timeout=60)
    sockets = bind_sockets(port, "127.0.0.1")
    server.add_sockets(sockets)
    ready(sockets[0].getsockname()[1])
    await stop.wait()
    service.stopping = True
    server.stop()  # no new connections; open ones are told to close with their next answer
    await asyncio.sleep(limits.linger)
    while service.in_flight:  # bounded: each has `limits.seconds` for its body
        await asyncio.sleep(0.01)
    await server.close_all_connections()


def from_file(path, limits=Limits()):
    """A service for the MLP in a safetensors file with torch's names: 0.weight, 0.bias, 2.weight, …

    Raises ValueError for a file of something else.
    """
    from dlcourse.reference.mlp import MLP

    arrays, _ = checkpoint.load(path)
    names = [f"{2 * layer}.weight" for layer in range(len(arrays) // 2)]
    if not names or any(np.ndim(arrays.get(name)) != 2 for name in names):
        raise ValueError(f"from_file: expected {path} to hold 0.weight, 2.weight, …, got {list(arrays)}")
    sizes = [arrays[names[0]].shape[1], *(len(arrays[name]) for name in names)]
    net = MLP(sizes, rng=np.random.default_rng(0))
    net.load_state_dict(arrays)
    return Service(net, sizes[0], limits)


async def _main(service, port, stdin):
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(name, stop.set)
    if stdin:  # ends when the parent closes it, and when the parent dies: no orphan stays behind

        def wait():
            sys.stdin.buffer.read()
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=wait, daemon=True).start()
    await serve(service, port=port, ready=lambda n: print(json.dumps({"port": n}), flush=True), stop=stop)
    with contextlib.suppress(BrokenPipeError):  # nobody is left to read it
        print(json.dumps(service.metrics()), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m dlcourse.serving", description="Serve a saved MLP.")
    parser.add_argument("file", help="safetensors, as dlcourse.checkpoint and torch write it")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--stdin", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(arguments)
    asyncio.run(_main(from_file(options.file), options.port, options.stdin))


if __name__ == "__main__":
    main()
