"""A Ray Serve deployment on a Ray of its own, without the dashboard."""

import os
import signal
import sys

import ray
from ray import serve
from starlette.requests import Request

sys.path.insert(0, os.environ["BENCH_FOLDER"])
BATCH = int(os.environ["BENCH_BATCH"])


@serve.deployment(
    num_replicas=int(os.environ["BENCH_PROCESSES"]),
    max_ongoing_requests=512,
    ray_actor_options={"num_cpus": 0.5},
)
class Bench:
    def __init__(self):
        sys.path.insert(0, os.environ["BENCH_FOLDER"])
        from model import load

        self.model = load()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=0.005)
    async def _batched(self, inputs):
        return self.model.predict(inputs)

    async def __call__(self, request: Request):
        asked = (await request.json())["input"]
        return await self._batched(asked) if BATCH > 1 else self.model.predict([asked])[0]


if __name__ == "__main__":
    environment = {
        name: os.environ[name] for name in ("BENCH_FOLDER", "BENCH_BATCH", "OMP_NUM_THREADS")
    }
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": environment},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"])})
    serve.run(Bench.bind(), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
