"""A custom MLServer runtime; batches and processes come from its settings files."""

import os
import sys

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

sys.path.insert(0, os.environ["BENCH_FOLDER"])


class Runtime(MLModel):
    async def load(self) -> bool:
        from model import load

        self.model = load()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        answers = self.model.predict(StringCodec.decode_input(payload.inputs[0]))
        confidences = np.array([[answer["confidence"]] for answer in answers])
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                StringCodec.encode_output("output", [answer["output"] for answer in answers]),
                NumpyCodec.encode_output("confidence", confidences),
            ],
        )
