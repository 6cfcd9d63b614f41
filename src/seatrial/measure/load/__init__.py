"""Open-loop load: requests go out when they are due, whatever the server does."""

from seatrial.measure.load.arrivals import constant, poisson, replayed
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.load.summary import LoadSummary, summarise

__all__ = [
    "LoadResult",
    "LoadSummary",
    "constant",
    "poisson",
    "replayed",
    "run_load",
    "simulate_load",
    "summarise",
]
