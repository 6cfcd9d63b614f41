"""The servers compared: how each is started, asked and understood."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import places

SMALL_BATCH, LARGE_BATCH = 16, 64


@dataclass(frozen=True)
class Start:
    """One way to start a server: everything its command and environment depend on.

    Attributes:
        folder: Holds ``model.py`` and ``seatrial.toml``.
        scratch: For files that the server needs; thrown away.
        port: To listen on.
    """

    folder: Path
    scratch: Path
    port: int
    processes: int = 1
    threads: int = 1
    batch: int = 1
    mode: str = ""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One product.

    Attributes:
        environment: Virtual environment that it runs in.
        distributions: Whose versions are reported.
        command: Makes the command line (files it needs go to the scratch folder).
        path: Where predictions are asked.
        ready: Route that answers 200 once predictions can be asked.
        body: Makes the body for one text.
        answer: Reads label and confidence out of an answer.
    """

    environment: str
    distributions: tuple[str, ...]
    command: Callable[[Start], list[str]]
    path: str = "/predict"
    ready: str = "/ready"
    body: Callable[[str], Any] = field(default=lambda text: {"input": text})
    answer: Callable[[Any], tuple[str, float]] = field(
        default=lambda said: (said["output"], said["confidence"])
    )


@dataclass(frozen=True)
class Server:
    """A product in one configuration; the name is its row in the table."""

    name: str
    peer: str
    processes: int = 1
    threads: int = 1
    batch: int = 1
    mode: str = ""
    source: str = ""
    role: str = "peer"

    def settings(self) -> str:
        """Return the configuration in words."""
        if self.peer == "seatrial":
            return "as it comes"
        if self.peer == "echo":
            return "no model"
        parts = [f"{self.processes} proc.", f"{self.threads} thr."]
        parts.append(f"batch {self.batch}" if self.batch > 1 else "no batches")
        return ", ".join([*parts, *([self.mode] if self.mode else [])])

    def environment(self, start: Start) -> dict[str, str]:
        """Return what the process gets beside the inherited environment."""
        if self.peer == "seatrial":
            # Packages that are installed bring bytecode; a source tree writes its own, once.
            bytecode = {"PYTHONDONTWRITEBYTECODE": ""}
            return bytecode | ({"PYTHONPATH": f"{self.source}/src"} if self.source else {})
        threads = str(self.threads)
        return {
            "BENCH_FOLDER": str(start.folder),
            "BENCH_PORT": str(start.port),
            "BENCH_PROCESSES": str(self.processes),
            "BENCH_BATCH": str(self.batch),
            "BENCH_MODE": self.mode,
            "PYTHONPATH": str(places.PEERS),
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "RAYON_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
        } | QUIET

    def started(self, folder: Path, scratch: Path, port: int) -> Start:
        return Start(folder, scratch, port, self.processes, self.threads, self.batch, self.mode)


QUIET = {
    "BENTOML_DO_NOT_TRACK": "True",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "RAY_DEDUP_LOGS": "0",
}
"""Nobody calls home from a benchmark."""


def _seatrial(start: Start) -> list[str]:
    python = places.python_of("seatrial")
    command = [str(python if python.exists() else sys.executable), "-m", "seatrial", "serve"]
    return [*command, str(start.folder), "--port", str(start.port), "--json"]


def _uvicorn(app: str) -> Callable[[Start], list[str]]:
    def command(start: Start) -> list[str]:
        listening = ["--host", "127.0.0.1", "--port", str(start.port)]
        quiet = ["--no-access-log", "--log-level", "warning"]
        workers = ["--workers", str(start.processes)] if start.processes > 1 else []
        python = str(places.python_of("fastapi"))
        return [python, "-m", "uvicorn", app, *listening, *quiet, *workers]

    return command


def _litserve(_: Start) -> list[str]:
    return [str(places.python_of("litserve")), str(places.PEERS / "litserve_app.py")]


def _ray(_: Start) -> list[str]:
    return [str(places.python_of("ray")), str(places.PEERS / "ray_app.py")]


def _mlserver(start: Start) -> list[str]:
    server = {
        "host": "127.0.0.1",
        "http_port": start.port,
        "grpc_port": start.port + 1,
        "metrics_port": start.port + 2,
        # 0 runs the model in the server's own process.
        "parallel_workers": 0 if start.mode == "in-process" else start.processes,
        "debug": False,
    }
    model = {
        "name": "bench",
        "implementation": "mlserver_app.Runtime",
        "max_batch_size": start.batch if start.batch > 1 else 0,
        "max_batch_time": 0.005 if start.batch > 1 else 0,
    }
    for name, document in (("settings", server), ("model-settings", model)):
        (start.scratch / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return [str(places.environment("mlserver") / "bin" / "mlserver"), "start", str(start.scratch)]


def _bentoml(start: Start) -> list[str]:
    program = str(places.environment("bentoml") / "bin" / "bentoml")
    listening = ["--host", "127.0.0.1", "--port", str(start.port)]
    return [program, "serve", "bentoml_app:Bench", *listening, "--working-dir", str(places.PEERS)]


def _v2_body(text: str) -> Any:
    tensor = {"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": [text]}
    return {"inputs": [tensor]}


def _v2_answer(said: Any) -> tuple[str, float]:
    outputs = {output["name"]: output["data"][0] for output in said["outputs"]}
    return outputs["output"], outputs["confidence"]


def _first_result(said: Any) -> tuple[str, float]:
    return said["results"][0]["output"], said["results"][0]["confidence"]


PEERS: Mapping[str, Peer] = {
    "seatrial": Peer(
        environment="seatrial",
        distributions=("seatrial", "uvicorn", "uvloop", "httptools", "msgspec"),
        command=_seatrial,
        ready="/readyz",
        answer=_first_result,
    ),
    "fastapi": Peer(
        environment="fastapi",
        distributions=("fastapi", "uvicorn", "uvloop", "httptools", "pydantic"),
        command=_uvicorn("fastapi_app:app"),
    ),
    "echo": Peer(
        environment="fastapi",
        distributions=("uvicorn",),
        command=_uvicorn("echo_app:app"),
        answer=lambda _: ("", 0.0),
    ),
    "litserve": Peer(
        environment="litserve", distributions=("litserve",), command=_litserve, ready="/health"
    ),
    "mlserver": Peer(
        environment="mlserver",
        distributions=("mlserver", "uvloop"),
        command=_mlserver,
        path="/v2/models/bench/infer",
        ready="/v2/models/bench/ready",
        body=_v2_body,
        answer=_v2_answer,
    ),
    "bentoml": Peer(
        environment="bentoml",
        distributions=("bentoml",),
        command=_bentoml,
        ready="/readyz",
        body=lambda text: {"inputs": [text]},
        answer=lambda said: (said[0]["output"], said[0]["confidence"]),
    ),
    "ray": Peer(environment="ray", distributions=("ray",), command=_ray, ready="/-/healthz"),
}

SEATRIAL = Server("seatrial", "seatrial", role="own")
ECHO = Server("uvicorn echo", "echo", role="floor")

BEST: Mapping[str, tuple[Server, ...]] = {
    "w1": (
        Server("fastapi", "fastapi"),
        Server("fastapi x2", "fastapi", processes=2),
        Server("mlserver", "mlserver", batch=LARGE_BATCH, mode="in-process"),
        Server("litserve", "litserve", processes=2, batch=LARGE_BATCH, mode="fast-queue"),
        Server("bentoml", "bentoml", processes=2),
        Server("ray", "ray", processes=2, batch=LARGE_BATCH),
    ),
    "w2": (
        Server("fastapi", "fastapi", threads=2),
        Server("fastapi threads", "fastapi", mode="thread"),
        Server("fastapi x2", "fastapi", processes=2),
        Server("mlserver", "mlserver", processes=2),
        Server("litserve", "litserve", processes=2),
        Server("bentoml", "bentoml", processes=2),
        Server("ray", "ray", processes=2),
    ),
}
"""Each peer as ``--search`` found it fastest; see README.md."""


def servers(workload: str) -> list[Server]:
    """Return every server of a workload, with a one-process FastAPI for start, memory and c=1."""
    return [SEATRIAL, *BEST[workload], ECHO]


def candidates(workload: str, peer: str) -> list[Server]:
    """Return the configurations of a peer that a search tries."""
    batch = LARGE_BATCH if workload == "w1" else SMALL_BATCH
    batches = (1,) if peer == "fastapi" else (1, 4, batch)
    modes = {"fastapi": ("", "thread"), "litserve": ("", "fast-queue")}.get(peer, ("",))
    shapes = ((1, 1), (2, 1)) if workload == "w1" else ((1, 1), (1, 2), (2, 1))
    found = [
        Server(peer, peer, processes=processes, threads=threads, batch=size, mode=mode)
        for processes, threads in shapes
        for size in batches
        for mode in modes
    ]
    if peer == "mlserver":
        found += [
            Server(peer, peer, threads=threads, batch=size, mode="in-process")
            for threads in dict.fromkeys(threads for _, threads in shapes)
            for size in batches
        ]
    return [replace(server, name=server.settings()) for server in found]
