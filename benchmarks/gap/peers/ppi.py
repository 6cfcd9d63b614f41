"""Runs ppi-python's PPI++ in its own environment: reads samples from a file, writes intervals.

    python ppi.py IN.npz OUT.npy

IN holds the scores and the predictions of the population and, per resample, the places that were
reviewed; OUT gets estimate, low and high per resample.
"""

import sys

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate


def main(given: str, result: str) -> None:
    held = np.load(given)
    scores, predictions = held["scores"], held["predictions"]
    found = []
    for places in held["places"]:
        rest = np.delete(predictions, places)
        arguments = (scores[places], predictions[places], rest)
        low, high = ppi_mean_ci(*arguments, alpha=0.05)
        estimate = ppi_mean_pointestimate(*arguments)
        found.append([float(np.ravel(one)[0]) for one in (estimate, low, high)])
    np.save(result, np.array(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
