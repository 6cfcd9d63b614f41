import pytest

from seatrial.core.settings import ServingSettings, Settings, TargetSettings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures.memory import judge_memory

AT = conditions("model@0")
MIB, GIB = 1024**2, 1024**3
SIZES = (1, 4, 16, 32, 64, 128, 256, 512)


def judged(peak, *, sizes=SIZES, gib=None, rss_mib=None, feared=None, batch_max=64):
    recorder = Recorder("batching", at=AT)
    recorder.table("memory", [{"batch": b, "peak_mib": peak(b) / MIB} for b in sizes])
    recorder.table(
        "sweep",
        [{"batch": b, "peak_mib": peak(b) / MIB, "rss_mib": rss_mib} for b in sizes if b <= 256],
    )
    recorder.value("bytes_per_row", 1.0 if sizes else None)
    if feared:
        recorder.value("memory_feared", feared, note="expected at batch 64, not tried")
    settings = Settings(
        target=TargetSettings(memory_gib=gib), serving=ServingSettings(batch_max=batch_max)
    )
    return judge_memory(recorder.finish(), settings)


@pytest.mark.parametrize("bytes_per_pair", [4, 8, 512])
def test_a_value_for_every_pair_of_rows_is_named(bytes_per_pair):
    result = judged(lambda rows: 20_000 + 1_700 * rows + bytes_per_pair * rows * rows)
    assert result.found is True
    assert "faster than the batch" in result.figure


@pytest.mark.parametrize(
    "peak",
    [
        lambda rows: 50_000 + 4_000 * rows,
        lambda rows: 2_000 * rows * (1 + 0.02 * (rows % 7)),
        lambda rows: max(400_000, 9_000 * rows),
        lambda rows: max(120_000 + 100 * rows, 30_000 + 900 * rows, 1_100 * rows),
        lambda rows: 5_000 * rows if rows < 128 else 12_000 * rows,
        lambda rows: 1_000_000,
    ],
    ids=["line", "uneven line", "workspace", "two workspaces", "other path", "constant"],
)
def test_growth_in_line_is_not(peak):
    assert judged(peak).found is False


def test_a_square_of_next_to_nothing_is_not():
    assert judged(lambda rows: 100 * rows + 0.1 * rows * rows).found is False


def test_a_served_batch_that_fills_the_target_is_named():
    result = judged(lambda rows: 0.1 * GIB * rows, gib=4)
    assert result.found is True
    assert "of 4.0" in result.figure
    assert judged(lambda rows: 0.1 * GIB * rows, gib=4, batch_max=32).found is False


def test_the_whole_process_counts_against_the_target():
    assert judged(lambda rows: 1000 * rows, gib=2, rss_mib=3000).found is True


def test_a_served_batch_that_nobody_dared_to_try_is_named():
    result = judged(lambda rows: GIB * rows, sizes=(1, 4), gib=8, feared=64 * GIB)
    assert result.found is True
    assert "64.0 GiB expected at batch 64" in result.figure


@pytest.mark.parametrize("sizes", [(), (1, 4, 16)])
def test_too_little_seen_is_unknown(sizes):
    assert judged(lambda rows: 1000 * rows, sizes=sizes).found is None
