"""Load on any URL: open loops, whose requests go out when they are due, and closed ones."""

from seatrial.measure.load.arrivals import constant, poisson, replayed
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.shapes import Shape, parse_shape
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.load.summary import LoadSummary, summarise

__all__ = [
    "LoadPlan",
    "LoadResult",
    "LoadSummary",
    "RetryPolicy",
    "Shape",
    "constant",
    "parse_shape",
    "poisson",
    "replayed",
    "run_load",
    "simulate_load",
    "summarise",
]
