"""LitServe, as its documentation shows it: setup, predict, batches by its own window."""

import os
import sys

import litserve

sys.path.insert(0, os.environ["BENCH_FOLDER"])
BATCH = int(os.environ["BENCH_BATCH"])


class Api(litserve.LitAPI):
    def setup(self, device):
        from model import load

        self.model = load()

    def decode_request(self, request):
        return request["input"]

    def predict(self, asked):
        return self.model.predict(asked) if BATCH > 1 else self.model.predict([asked])[0]

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    api = Api(max_batch_size=BATCH, batch_timeout=0.005 if BATCH > 1 else 0.0)
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=int(os.environ["BENCH_PROCESSES"]),
        timeout=60,
        fast_queue=os.environ["BENCH_MODE"] == "fast-queue",
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        num_api_servers=1,
        log_level="error",
        access_log=False,
        generate_client_file=False,
    )
