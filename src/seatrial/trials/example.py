"""The tickets example: found in the wheel or in a checkout, copied to a folder of the user's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import seatrial
from seatrial.core.errors import ModelLoadError, UsageError

FILES = (
    "README.md",
    "seatrial.toml",
    "train.py",
    "train.jsonl",
    "eval.jsonl",
    "production.jsonl",
)
TRAINING_LIMIT_S = 120.0


def source() -> Path:
    """Return where the example lies.

    Raises:
        UsageError: This installation carries none.
    """
    package = Path(seatrial.__file__).parent
    places = (package / "_examples" / "tickets", package.parent.parent / "examples" / "tickets")
    for place in places:
        if (place / "seatrial.toml").is_file():
            return place
    raise UsageError(
        "this installation of seatrial carries no example.", hint="Install the wheel from PyPI."
    )


def prepare(folder: Path) -> None:
    """Copy the example into a folder and train its model there.

    Raises:
        UsageError: The folder holds something else.
        ModelLoadError: Training failed.
    """
    ours = {*FILES, "model.skops", "report.html", ".seatrial"}
    foreign = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if set(foreign) - ours:
        raise UsageError(
            f"{folder} holds other files ({', '.join(sorted(set(foreign) - ours)[:3])}); accepted "
            "is a new or empty folder, or one of an earlier demo.",
            hint="Name another: seatrial demo FOLDER",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(source() / name, folder / name)
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TRAINING_LIMIT_S,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ModelLoadError(f"training the example failed: {said[-1] if said else 'no output'}")
