"""How many requests a second the service answers, and how soon: `python benchmarks/service.py` (under a minute).

A closed loop, in a process of its own on the same machine: so many connections stay open, and each sends its next
request when the last one is answered. Every answer is checked, and every decision is in the log before it is answered,
so that the log is a part of what is measured; at the end it is counted.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from crm_rl.files import PROJECT
from crm_rl.serving.decisions import read_decisions
from data import provenance

RESULTS = Path(__file__).parent / "results" / "service.json"
PACKAGES = ("fastapi", "uvicorn", "httptools", "uvloop", "SQLAlchemy", "pydantic")
PORT = 8791
MOVE = ("/get-next-action", {"state": [2, 4, 3, 1, 0, 0, 0], "action": 2})
FEATURES = ("/recommend/funnel", {"features": [0.2] * 15})
CUSTOMER = ("/recommend/funnel", {"customer": {"Country": "Germany", "First Contact": "2022-01-10"}})

#: What is asked, over how many connections, of how many workers.
JOBS = [(MOVE, connections, workers) for workers in (1, 2) for connections in (1, 8, 16, 32)]
JOBS += [(FEATURES, 16, 1), (CUSTOMER, 4, 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each job runs")
    options = parser.parse_args()
    measured = []
    for workers in sorted({job[2] for job in JOBS}):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/decisions.db"
            with service(workers, url) as session:
                jobs = [measure(job, options.seconds, session) for job in JOBS if job[2] == workers]
            logged, answered = len(read_decisions(url).id), sum(job["answers"] for job in jobs)
            assert logged >= answered, f"{answered} answers, {logged} decisions in the log"
            measured += jobs
    table = pd.DataFrame(measured)
    print(table.to_string(index=False))
    installed = [name for name in PACKAGES if importlib.util.find_spec(name.lower())]
    versions = {name: importlib.metadata.version(name) for name in installed}
    RESULTS.write_text(json.dumps({**provenance(), "versions": versions, "jobs": measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


@contextlib.contextmanager
def service(workers: int, url: str) -> Iterator[int]:
    """The service, up and warm; gives the session of its processes."""
    command = [sys.executable, "-m", "crm_rl", "serve", "--port", str(PORT), "--workers", str(workers)]
    with subprocess.Popen([*command, "--decisions", url], stdout=subprocess.DEVNULL, start_new_session=True) as server:
        try:
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health").close()
                    break
                time.sleep(0.2)
            for path, body in (MOVE, FEATURES, CUSTOMER):
                asyncio.run(load(request(path, body), 4, 0.3))
            yield server.pid
        finally:
            server.terminate()


def measure(job: tuple, seconds: float, session: int) -> dict:
    """Run one job."""
    ((path, body), connections, workers), busy = job, os.getloadavg()[0]
    before = processor_seconds(session)
    began = time.perf_counter()
    latencies = asyncio.run(load(request(path, body), connections, seconds))
    taken, used = time.perf_counter() - began, processor_seconds(session) - before
    middle, late = 1000 * np.quantile(latencies, (0.5, 0.99))
    return {
        "request": f"{path}, {', '.join(body)}",
        "workers": workers,
        "connections": connections,
        "answers": len(latencies),
        "requests a second": round(len(latencies) / taken),
        "p50 ms": round(middle, 2),
        "p99 ms": round(late, 2),
        "processor us a request": round(1e6 * used / len(latencies)),
        "share of a core": round(used / taken, 2),
        "load of the machine": round(busy, 1),
    }


def processor_seconds(session: int) -> float:
    """What all processes of a session have used (Linux)."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            fields = path.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) * (int(fields[3]) == session)
    return ticks / os.sysconf("SC_CLK_TCK")


def request(path: str, body: dict) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def load(sent: bytes, connections: int, seconds: float) -> list[float]:
    """Send the same request over and over; returns the seconds that each answer took."""
    loop, latencies = asyncio.get_running_loop(), []
    until = time.perf_counter() + seconds
    ended = [loop.create_future() for _ in range(connections)]
    for end in ended:
        await loop.create_connection(lambda end=end: Client(sent, latencies, until, end), "127.0.0.1", PORT)
    await asyncio.gather(*ended)
    return latencies


class Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, sent: bytes, latencies: list[float], until: float, ended: asyncio.Future):
        self.sent, self.latencies, self.until, self.ended = sent, latencies, until, ended
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        if self.began > self.until:
            self.transport.close()
        else:
            self.transport.write(self.sent)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, _, content = self.received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not length or len(content) < int(length):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.ended.set_exception(RuntimeError(self.received.decode()))
            self.transport.close()
            return
        self.latencies.append(time.perf_counter() - self.began)
        self.received = b""
        self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


if __name__ == "__main__":
    main()
