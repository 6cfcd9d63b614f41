"""Estimates accuracies with NannyML's CBPE: ``python nannyml_cbpe.py FILE``, one JSON line out.

FILE is an .npz with ``chance`` and ``label`` of the reference, and ``chance_N`` of each target.
"""

import json
import os
import sys

os.environ["NML_DISABLE_USAGE_LOGGING"] = "true"

import nannyml
import numpy as np
import pandas as pd


def frame(chance: np.ndarray, label: np.ndarray | None = None) -> pd.DataFrame:
    columns = {"chance": chance.astype(float), "answer": (chance >= 0.5).astype(int)}
    return pd.DataFrame(columns if label is None else {**columns, "label": label.astype(int)})


def main(file: str) -> None:
    held = np.load(file)
    estimator = nannyml.CBPE(
        y_pred="answer",
        y_pred_proba="chance",
        y_true="label",
        chunk_number=1,
        problem_type="classification_binary",
        metrics=["accuracy"],
    )
    estimator.fit(frame(held["chance"], held["label"]))
    count = sum(name.startswith("chance_") for name in held.files)
    found = []
    for number in range(count):
        table = estimator.estimate(frame(held[f"chance_{number}"])).to_df()
        found.append(float(table[("accuracy", "value")].iloc[-1]))
    print(json.dumps({"version": nannyml.__version__, "accuracy": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
