"""A BentoML service; batchable or not, with as many workers as asked."""

import os
import sys

import bentoml

sys.path.insert(0, os.environ["BENCH_FOLDER"])
BATCH = int(os.environ["BENCH_BATCH"])
OPTIONS = {"batchable": True, "max_batch_size": BATCH, "max_latency_ms": 60_000}


@bentoml.service(workers=int(os.environ["BENCH_PROCESSES"]), traffic={"timeout": 60})
class Bench:
    def __init__(self) -> None:
        from model import load

        self.model = load()

    @bentoml.api(route="/predict", **(OPTIONS if BATCH > 1 else {}))
    def predict(self, inputs: list[str]) -> list[dict]:
        return self.model.predict(inputs)
