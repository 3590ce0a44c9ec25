"""A real browser for the tests: chromium over the DevTools protocol, with no way to reach another machine.

with serve(folder) as address, Browser() as browser:
    browser.view("dark", width=390)
    report = browser.open(address + "index.html")   # report.problems, report.urls
    browser.evaluate("document.title")
    browser.screenshot("page.png")
"""

import base64
import functools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",  # the browser chooses one and writes it into its profile
    "--remote-allow-origins=*",
    "--window-size=1280,900",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
HEIGHT = {1280: 900, 390: 844}


def find():
    """The path of a chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def serve(folder):
    """Serve a folder on a free local port; yields its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


ENDS = {
    "Page.frameStoppedLoading": "Page.frameStartedLoading",
    "Page.frameClearedScheduledNavigation": "Page.frameScheduledNavigation",
    "Page.frameNavigated": "Page.frameScheduledNavigation",  # a page left in haste does not say "cleared"
}


@dataclass
class Report:
    """What happened while a page loaded."""

    urls: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)  # the page before may end its loading meanwhile
    awaited: set[tuple] = field(default_factory=set)  # frames that load, or will at once by a meta refresh

    def add(self, event):
        """Note one DevTools event."""
        method, data = event["method"], event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.urls.append(data["request"]["url"])
            if is_elsewhere(self.urls[-1]):
                self.problems.append(f"requests {self.urls[-1]}")
        elif method == "Page.lifecycleEvent" and data["name"] == "load":
            self.loaded.add(data["loaderId"])
        elif method in ENDS.values():
            self.awaited.add((method, data["frameId"]))
        elif method in ENDS:
            frame = data["frameId"] if "frameId" in data else data["frame"]["id"]
            self.awaited.discard((ENDS[method], frame))
        elif method == "Network.responseReceived" and data["response"]["status"] >= 400:
            self.problems.append(f"status {data['response']['status']}: {data['response']['url']}")
        elif method == "Network.loadingFailed" and not data.get("canceled"):
            self.problems.append(f"request failed: {data['errorText']}")
        elif method == "Runtime.exceptionThrown":
            details = data["exceptionDetails"]
            self.problems.append("exception: " + details.get("exception", details).get("description", "?"))
        elif method == "Runtime.consoleAPICalled" and data["type"] in ("error", "assert"):
            texts = [str(a.get("value", a.get("description", ""))) for a in data["args"]]
            self.problems.append("console: " + " ".join(texts))
        elif method == "Log.entryAdded" and data["entry"]["level"] == "error":
            self.problems.append(f"log: {data['entry']['text']} {data['entry'].get('url', '')}")


def is_elsewhere(url):
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost")


class Browser:
    """One headless chromium with one page."""

    def __init__(self, timeout=30):
        self.timeout, self.count, self.report = timeout, 0, Report()

    def __enter__(self):
        self.profile = Path(tempfile.mkdtemp(prefix="dlcourse-browser-"))
        flags = [*FLAGS, f"--user-data-dir={self.profile}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # chromium refuses its sandbox to root
        self.process = subprocess.Popen(
            [find(), *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self.connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.profile, ignore_errors=True)

    def connect(self):
        """Wait for the port the browser chose, then attach to its page."""
        chosen, deadline = self.profile / "DevToolsActivePort", time.monotonic() + self.timeout
        while not (chosen.exists() and chosen.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{find()} did not start")
            time.sleep(0.05)
        port = chosen.read_text().split()[0]
        with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(target for target in json.load(answer) if target["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=self.timeout)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def receive(self):
        """The next message; events also go to the report."""
        message = json.loads(self.socket.recv())
        if "method" in message:
            self.report.add(message)
        return message

    def send(self, method, **params):
        """Call a DevTools method and return its result."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while (message := self.receive()).get("id") != self.count:
            pass
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        return message["result"]

    def view(self, theme="light", width=1280):
        """Choose the page's colours, through the reader's preference, and the width of the window."""
        scheme = {"name": "prefers-color-scheme", "value": theme}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=HEIGHT.get(width, 900),
            deviceScaleFactor=1,
            mobile=width < 700,
        )

    def open(self, url):
        """Load a page (and where it leads), wait for fonts and formulas, and return the Report of it."""
        self.report = Report()
        loader = self.send("Page.navigate", url=url)["loaderId"]
        while loader not in self.report.loaded or self.report.awaited:
            self.receive()
        self.evaluate("document.fonts.ready.then(() => 0)")
        self.evaluate("window.MathJax?.startup?.promise?.then(() => 0)")
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"
        )
        return self.report

    def evaluate(self, script):
        """The value of a JavaScript expression (a promise is awaited); RuntimeError if it throws."""
        result = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", script))
        return result["result"].get("value")

    def screenshot(self, path):
        """Save the whole page, from top to bottom, as a PNG."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        Path(path).write_bytes(base64.b64decode(data))
