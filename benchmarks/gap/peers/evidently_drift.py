"""Runs Evidently's data drift preset on a table: ``python evidently_drift.py TABLE ROWS``."""

import json
import resource
import sys
import time

import evidently
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from evidently import Report
from evidently.presets import DataDriftPreset

REFERENCE = 2_000
LEFT_OUT = ["time", "label", "p_positive"]


def head(file: str, rows: int) -> pd.DataFrame:
    """Read no more than is needed, so that the memory is that of these rows."""
    parts, left = [], rows
    for batch in pq.ParquetFile(file).iter_batches():
        parts.append(batch.slice(0, left))
        left -= len(parts[-1])
        if left <= 0:
            break
    return pa.Table.from_batches(parts).to_pandas()


def main(file: str, rows: str) -> None:
    table = head(file, int(rows) + REFERENCE).drop(columns=LEFT_OUT)
    reference, current = table.head(REFERENCE), table.iloc[REFERENCE:]
    begun, worked = time.perf_counter(), time.process_time()
    Report([DataDriftPreset()]).run(current, reference).dict()
    print(
        json.dumps(
            {
                "version": evidently.__version__,
                "wall_s": time.perf_counter() - begun,
                "cpu_s": time.process_time() - worked,
                "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
