"""What the server says of itself, held against what it does, by somebody else's generator."""

from __future__ import annotations

import subprocess

import pytest

SCHEMATHESIS = "schemathesis==4.32.5"

ARRAY = """
def total(value):
    if isinstance(value, list):
        return sum(map(total, value))
    return min(max(float(value or 0), -1e9), 1e9)

def load():
    return lambda inputs: [total(value) for value in inputs]
"""

TABLE = """
def load():
    return lambda rows: [min(row["rooms"], 9) > 4 or len(row["street"]) > 4 for row in rows]
"""

LOOSE = """
def load():
    return lambda rows: [len(row) for row in rows]
"""

HOUSES = b"""{"rooms": 3, "street": "Elm", "new": true, "label": 9}
{"rooms": 4, "street": "Oak", "new": false, "label": 12}
"""

LENGTHS = """
def load():
    return lambda xs: [len(x) for x in xs]
"""

MODELS = {
    "image": ("image", LENGTHS, ""),
    "chat": ("chat", LENGTHS, ""),
    "text": ("text", "def load():\n    return lambda xs: [x.upper() for x in xs]\n", ""),
    "array": ("array", ARRAY, ""),
    "record with an eval set": (
        "record",
        TABLE,
        '[eval]\ndata = "eval.jsonl"\ninput = "*"\n',
    ),
    "record of which nothing is known": ("record", LOOSE, ""),
    "record whose columns are listed": ("record", LOOSE, '[eval]\ninput = ["rooms", "new"]\n'),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_schemathesis_finds_nothing(client_home, project, serve, tmp_path, name):
    """All its checks: statuses, types, schemas, valid data taken and invalid data refused."""
    command = client_home(SCHEMATHESIS) / "schemathesis"
    kind, model, toml = MODELS[name]
    folder = project(tmp_path / "project", kind=kind, model=model, toml=toml)
    (folder / "eval.jsonl").write_bytes(HOUSES)
    server = serve("--workers", "1", folder=folder)
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    arguments = [
        "--checks",
        "all",
        "--max-examples",
        "30",
        "--seed",
        "1",
        "--request-timeout",
        "60",
    ]
    done = subprocess.run(
        [str(command), "run", url, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
