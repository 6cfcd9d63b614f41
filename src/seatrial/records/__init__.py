"""The append-only log and every data file: segments, Parquet, queries, eval and production rows."""
