"""What else the machine was doing while something was measured."""

from __future__ import annotations

import psutil

STEAL_SHARE = 0.05
"""CPU time taken by the hypervisor above which latency is partly about other machines."""

BUSY_BEFORE = 0.25
BUSY_DURING = 0.9
QUIET_S = 0.2
"""How long the machine is looked at before anything is measured."""


class MachineWatch:
    """Looks at the processors before a measurement and, from ``begin`` on, during it."""

    def __init__(self) -> None:
        self._busy_before = psutil.cpu_percent(interval=QUIET_S) / 100.0
        self.begin()

    def begin(self) -> None:
        """Count from now on: an overload that was sought is no noise."""
        self._times = psutil.cpu_times()

    def criticisms(self) -> list[str]:
        """Say what else kept the processors busy since the watch began."""
        now = psutil.cpu_times()
        spent = {name: getattr(now, name) - getattr(self._times, name) for name in now._fields}
        return judge_noise(
            busy_before=self._busy_before,
            busy_during=_share(spent, busy=True),
            steal=_share(spent, busy=False),
        )


def judge_noise(*, busy_before: float, busy_during: float, steal: float) -> list[str]:
    """Turn shares of all processors, each in [0, 1], into sentences.

    >>> judge_noise(busy_before=0.5, busy_during=0.6, steal=0.0)
    ['other work kept 50% of the processors busy before the load began']
    """
    said = []
    if busy_before > BUSY_BEFORE:
        said.append(
            f"other work kept {busy_before:.0%} of the processors busy before the load began"
        )
    if busy_during > BUSY_DURING:
        said.append(
            f"the processors were {busy_during:.0%} busy: load generator, service and whatever "
            "else runs here competed for them"
        )
    if steal > STEAL_SHARE:
        said.append(f"the hypervisor took {steal:.0%} of the processors for other machines")
    return said


def _share(spent: dict[str, float], *, busy: bool) -> float:
    # guest times are counted in user and nice already.
    whole = sum(seconds for name, seconds in spent.items() if not name.startswith("guest"))
    if whole <= 0:
        return 0.0
    if not busy:
        return spent.get("steal", 0.0) / whole
    idle = spent.get("idle", 0.0) + spent.get("iowait", 0.0)
    return 1.0 - idle / whole
