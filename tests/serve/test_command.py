from __future__ import annotations

import subprocess
import sys

import pytest

from seatrial.core.errors import UnreachableError
from seatrial.core.settings import ServingSettings
from seatrial.serve.command import WORKERS_FOR_URL, WORKERS_MAX, worker_count
from seatrial.serve.listening import listen


def test_auto_starts_a_worker_per_core_within_bounds():
    """A URL's workers wait for the network instead."""
    assert 1 <= worker_count(ServingSettings(), adapter="load") <= WORKERS_MAX
    assert worker_count(ServingSettings(), adapter="url") == WORKERS_FOR_URL
    assert worker_count(ServingSettings(workers=7), adapter="url") == 7


@pytest.mark.parametrize("address", [("host.invalid", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_cannot_be_had_is_named(address):
    """With its reason and a way out."""
    host, port = address
    with pytest.raises(UnreachableError, match=f"cannot listen on {host} port {port}"):
        listen(host, port)


def test_little_is_imported_before_the_process_of_the_model_is_launched():
    """Everybody waits for that process; the rest is imported while the model loads."""
    code = (
        "import sys; import seatrial.cli.serve, seatrial.serve.command;"
        "assert not {'asyncio', 'numpy', 'uvicorn', 'email'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
