"""The server of chapter 25: right answers, clear refusals, nothing lost at its end, nothing left behind."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("tornado", reason="comes with ipykernel")

from dlcourse import checkpoint, serving
from dlcourse.reference.mlp import MLP

SECONDS = 20  # a test that hangs fails


class Server:
    """The server as a process of its own, on any free port; with --stdin it cannot outlive this one."""

    def __init__(self, file, *code):
        words = ["-m", "dlcourse.serving", str(file)] if not code else ["-c", *code]
        command = [sys.executable, *words, "--stdin"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, text=True, **pipes)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def connect(self):
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS))

    def ask(self, body, method="POST", path="/predict"):
        with self.connect() as connection:
            return ask(connection, body, method, path)

    def raw(self, data):
        """Send bytes as they are, return all that comes back until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as client:
            client.sendall(data)
            with contextlib.suppress(ConnectionResetError):
                return b"".join(iter(lambda: client.recv(4096), b""))
        return b""

    def wait(self):
        """What the process prints at its end, and its exit status; it is killed if it does not end."""
        try:
            out, err = self.process.communicate(timeout=SECONDS)  # closes its standard input
        finally:
            self.process.kill()
        return json.loads(out), err, self.process.returncode


def ask(connection, body, method="POST", path="/predict"):
    connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    net = MLP([4, 6, 3], rng=np.random.default_rng(0))
    file = tmp_path_factory.mktemp("model") / "net.safetensors"
    checkpoint.save(file, net.state_dict())
    return net, file


@contextlib.contextmanager
def running(*words):
    server = Server(*words)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def server(model):
    with running(model[1]) as started:
        yield started


@pytest.fixture(scope="module")
def lasting(model):
    """One server for all tests that leave it running."""
    with running(model[1]) as started:
        yield started


@pytest.fixture
def small(model):
    """A server with narrow limits, whose model fails for a first pixel of 13."""
    code = f"""
import sys, threading
from dlcourse import serving
sys.argv = ["", "{model[1]}", "--stdin"]
limits = serving.Limits(rows=3, bytes=400, most_bytes=100_000, in_flight=2, seconds=1.0, linger=0.1)
real = serving.from_file
def made(path):
    service = real(path, limits)
    model = service.model
    def picky(x):
        if x[0, 0] == 13:
            raise ZeroDivisionError("unlucky")
        return model(x)
    service.model = picky
    return service
serving.from_file = made
serving.main(sys.argv[1:])
"""
    with running(model[1], code) as started:
        yield started


ROW = [0.1, -0.2, 0.3, 0.4]
GOOD = {"rows": [ROW]}


def test_answers_are_the_networks_own(lasting, model):
    x = 3 * np.random.default_rng(1).normal(size=(50, 4))
    expected = model[0](x).argmax(axis=1).tolist()
    assert len(set(expected)) > 1  # a constant answer would not do
    assert lasting.ask({"rows": x.tolist()}) == (200, {"classes": expected})


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "half a message": b'{"rows": [[1, 2',
    "no object": [1, 2],
    "no rows": {"row": [ROW]},
    "rows are no list": {"rows": 3},
    "no row at all": {"rows": []},
    "short row": {"rows": [ROW, ROW[:3]]},
    "long row": {"rows": [[*ROW, 0.0]]},
    "a row that is a number": {"rows": [3.0]},
    "text": {"rows": [["a", 1, 2, 3]]},
    "null": {"rows": [[None, 1, 2, 3]]},
    "true": {"rows": [[True, 1, 2, 3]]},
    "nested": {"rows": [[[1], 1, 2, 3]]},
    "NaN": b'{"rows": [[NaN, 1, 2, 3]]}',
    "infinity": b'{"rows": [[1e999, 1, 2, 3]]}',
    "a whole number beyond the floats": b'{"rows": [[1' + b"0" * 400 + b", 1, 2, 3]]}",
    "a number of 5,000 digits": b'{"rows": [[1' + b"0" * 5000 + b", 1, 2, 3]]}",
    "30,000 brackets": b"[" * 30_000,
    "not UTF-8": b'{"rows": "\xff"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_refused_in_words_and_the_server_lives(lasting, body):
    status, message = lasting.ask(body)
    assert status == 400 and set(message) == {"error"} and message["error"].startswith(("expected", "row "))
    assert lasting.ask(GOOD)[0] == 200


def test_other_paths_and_methods_are_refused(lasting):
    assert lasting.ask(GOOD, path="/other")[0] == 404
    assert lasting.ask(None, method="GET")[0] == 405
    assert lasting.ask(GOOD)[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"POST /predict HTTP/1.1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: minus one\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}  ",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["bytes", "no host or length", "no number", "two lengths", "chunk", "header of 100 kB"],
)
def test_what_is_not_http_does_not_hurt(small, data):
    small.raw(data)
    assert small.ask(GOOD)[0] == 200


def test_an_oversized_body_is_refused_with_413_and_its_connection_goes_on(small):
    with small.connect() as connection:
        for size in (401, 50_000):
            status, message = ask(connection, b" " * size)
            assert status == 413 and message["error"] == f"expected at most 400 bytes, got {size}"
        assert ask(connection, GOOD)[0] == 200
        assert ask(connection, json.dumps(GOOD).encode().ljust(400))[0] == 200  # the limit itself is allowed


def test_a_body_beyond_all_bounds_is_not_even_read(small):
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    assert small.raw(head).startswith(b"HTTP/1.1 4")  # at once: nothing of the body was sent
    assert small.ask(GOOD)[0] == 200


def test_more_rows_than_allowed_are_refused(small):
    assert small.ask({"rows": [ROW] * 3})[0] == 200
    assert small.ask({"rows": [ROW] * 4})[1] == {"error": "expected 1 to 3 rows, got 4"}


def test_a_failing_model_is_an_error_of_one_request(small):
    status, message = small.ask({"rows": [[13, 0, 0, 0]]})
    assert (status, message) == (500, {"error": "the model failed"})  # nothing about the inside
    assert small.ask(GOOD)[0] == 200
    metrics, err, code = small.wait()
    assert metrics["status"] == {"200": 1, "500": 1} and "ZeroDivisionError" in err and code == 0


def head(length):
    return f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


@contextlib.contextmanager
def half_sent(server, count):
    """So many requests whose bodies are half sent; the other half is sent and the answers are read by you."""
    body = json.dumps(GOOD).encode()
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
            clients.append(stack.enter_context(client))
            client.sendall(head(len(body)) + body[:5])
        deadline = time.monotonic() + SECONDS
        while server.ask(None, "GET", "/metrics")[1]["in flight"] < count:
            assert time.monotonic() < deadline
        yield clients, body[5:]


def test_too_many_at_once_are_told_so_and_those_under_way_are_answered(small):
    with half_sent(small, 2) as (clients, rest):
        assert small.ask(GOOD) == (503, {"error": "busy: try again in a second"})
        for client in clients:
            client.sendall(rest)
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert small.ask(GOOD)[0] == 200


def test_clients_that_leave_in_the_middle_leave_no_trace(small):
    for _ in range(3):
        with half_sent(small, 2):
            pass  # closed with half a body
        deadline = time.monotonic() + SECONDS
        while small.ask(None, "GET", "/metrics")[1]["in flight"]:
            assert time.monotonic() < deadline
    assert small.ask(GOOD)[0] == 200


def test_a_body_that_does_not_arrive_is_answered_with_408(small):
    start = time.monotonic()
    answer = small.raw(head(50) + b"{")
    assert answer.startswith(b"HTTP/1.1 408") and 0.9 < time.monotonic() - start < 10
    assert small.ask(GOOD)[0] == 200


def test_concurrent_requests_get_their_own_answers(server, model):
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(8, 25, 4))
    wrong = []

    def client(rows):
        with server.connect() as connection:
            for row in rows:
                expected = model[0](row[None]).argmax(axis=1).tolist()
                answer = ask(connection, {"rows": [row.tolist()]})
                if answer != (200, {"classes": expected}):
                    wrong.append(answer)

    together([lambda rows=rows: client(rows) for rows in inputs])
    assert wrong == []
    metrics, _, code = server.wait()
    assert metrics["status"] == {"200": 200} and metrics["in flight"] == 0 and code == 0
    assert metrics["p50 ms"] <= metrics["p95 ms"] <= metrics["p99 ms"]


def together(clients):
    threads = [threading.Thread(target=client, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)


def close_input(server):
    server.process.stdin.close()
    server.process.stdin = None  # so that communicate() does not flush it


def terminate(server):
    server.process.send_signal(signal.SIGTERM)


STOPS = [close_input] if sys.platform == "win32" else [close_input, terminate]


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_under_load_loses_no_answer(server, stop):
    """Each client asks over one connection until it is told to close it: every question has its answer."""
    asked, answered, started = [0] * 6, [0] * 6, threading.Barrier(7)

    def client(k):
        with server.connect() as connection:
            connection.connect()
            started.wait(SECONDS)
            while True:
                asked[k] += 1
                connection.request("POST", "/predict", json.dumps(GOOD))
                answer = connection.getresponse()
                answered[k] += answer.status == 200 and len(json.loads(answer.read())["classes"])
                if answer.getheader("Connection") == "close":
                    return

    def stopper():
        started.wait(SECONDS)
        time.sleep(0.3)
        stop(server)

    together([*(lambda k=k: client(k) for k in range(6)), stopper])
    metrics, err, code = server.wait()
    assert code == 0 and err == ""
    assert sum(asked) == sum(answered) == metrics["status"]["200"] > 6
    with pytest.raises(ConnectionRefusedError):
        server.ask(GOOD)


def test_a_stop_waits_for_a_request_that_is_half_sent(small):
    with half_sent(small, 1) as ((client,), rest):
        close_input(small)
        time.sleep(0.3)  # longer than the server lingers
        assert small.process.poll() is None
        client.sendall(rest)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert small.wait()[0]["status"]["200"] == 1


def test_a_stop_does_not_wait_for_ever(small):
    with half_sent(small, 1) as ((client,), _):
        close_input(small)
        assert client.recv(4096).startswith(b"HTTP/1.1 408")
        metrics, _, code = small.wait()
    assert metrics["status"] == {"408": 1} and code == 0


def test_the_server_ends_with_the_process_that_started_it(model):
    code = f"""
import subprocess, sys
server = subprocess.Popen([sys.executable, "-m", "dlcourse.serving", {str(model[1])!r}, "--stdin"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(server.stdout.readline().strip(), flush=True)
sys.stdin.readline()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    port = json.loads(parent.stdout.readline())["port"]
    socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
    parent.kill()  # without any chance to tidy up
    parent.communicate()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the server still listens")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    file = tmp_path / "broken.safetensors"
    file.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="truncated or corrupted"):
        serving.from_file(file)
    with pytest.raises(FileNotFoundError):
        serving.from_file(tmp_path / "absent")


@pytest.mark.parametrize("arrays", [{}, {"conv.weight": np.ones((2, 3)), "conv.bias": np.ones(2)}])
def test_a_file_of_another_model_is_refused(arrays, tmp_path):
    checkpoint.save(tmp_path / "other", arrays)
    with pytest.raises(ValueError, match=r"from_file: expected .*other to hold 0\.weight, .* got \["):
        serving.from_file(tmp_path / "other")
