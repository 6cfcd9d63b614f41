"""Runs NannyML's univariate drift and CBPE by day: ``python nannyml_drift.py TABLE ROWS``."""

import json
import os
import resource
import sys
import time

os.environ["NML_DISABLE_USAGE_LOGGING"] = "true"

import nannyml
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

REFERENCE = 2_000
LEFT_OUT = {"time", "label", "p_positive", "prediction"}


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
    table = head(file, int(rows) + REFERENCE)
    for name in ("label", "prediction"):
        table[name] = (table[name] == "positive").astype(int)
    reference, current = table.head(REFERENCE), table.iloc[REFERENCE:]
    names = [name for name in table.columns if name not in LEFT_OUT]
    begun, worked = time.perf_counter(), time.process_time()
    drift = nannyml.UnivariateDriftCalculator(
        column_names=names, timestamp_column_name="time", chunk_period="D"
    )
    drift.fit(reference)
    drift.calculate(current).to_df()
    estimator = nannyml.CBPE(
        y_pred="prediction",
        y_pred_proba="p_positive",
        y_true="label",
        timestamp_column_name="time",
        chunk_period="D",
        problem_type="classification_binary",
        metrics=["accuracy"],
    )
    estimator.fit(reference)
    estimator.estimate(current).to_df()
    print(
        json.dumps(
            {
                "version": nannyml.__version__,
                "wall_s": time.perf_counter() - begun,
                "cpu_s": time.process_time() - worked,
                "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
