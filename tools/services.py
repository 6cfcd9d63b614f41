"""Installs what tests need beside Python: Chromium, where it is missing and this user may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Install Chromium through apt when it is missing; say so when that cannot be done."""
    if any(shutil.which(name) for name in BROWSERS):
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(
            "Chromium is missing and cannot be installed by this user: tests marked `browser` "
            "will be skipped.",
            file=sys.stderr,
        )
        return 0
    print("installing Chromium for the browser tests", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        ["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL, env=environment
    )
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)
    if done.returncode:
        print(
            "Chromium would not install: tests marked `browser` will be skipped.", file=sys.stderr
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
