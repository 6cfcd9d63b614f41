"""Figures that are read when Prometheus asks for them."""

from __future__ import annotations

from seatrial.records.log import LogWriter
from seatrial.serve.connections import Connections
from seatrial.serve.fleet import Fleet
from seatrial.serve.metrics import Gauge, Total
from seatrial.serve.tickets import Tickets


def gauges(
    fleet: Fleet, *, writer: LogWriter, connections: Connections, tickets: Tickets
) -> list[Gauge]:
    """Return the gauges of one server."""

    def memory_bytes() -> float:
        return fleet.memory.cache.bytes_held if fleet.memory is not None else 0

    def evictions() -> float:
        return fleet.memory.cache.evictions if fleet.memory is not None else 0

    return [
        Gauge(
            "seatrial_queue_depth",
            "Rows that wait for a worker",
            lambda: fleet.current.dispatcher.batcher.rows_waiting,
        ),
        Gauge("seatrial_inflight_requests", "Requests that wait or run", lambda: fleet.inflight),
        Gauge(
            "seatrial_concurrency_limit",
            "Most cost in flight that is let in at present",
            lambda: fleet.current.admission.limit,
        ),
        Gauge("seatrial_workers_ready", "Workers that answer", lambda: fleet.current.pool.ready),
        Gauge(
            "seatrial_log_dropped",
            "Records that the log let go",
            lambda: writer.state().dropped,
        ),
        Gauge("seatrial_connections", "Connections that are open", lambda: len(connections.open)),
        Gauge("seatrial_cache_bytes", "Memory that kept answers take", memory_bytes),
        Total(
            "seatrial_cache_evictions", "Answers that the cache let go for newer ones", evictions
        ),
        Gauge("seatrial_tickets_held", "Tickets held, answered ones too", lambda: len(tickets)),
    ]
