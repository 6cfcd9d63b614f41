"""W2: a MiniLM-size encoder, mean pooling and two classes in one ONNX file."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

TOKENS_MAX = 256


class Model:
    def __init__(self):
        folder = Path(__file__).parent
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS_MAX)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        # Who serves says how many threads a process may use, in the way all numeric libraries read.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def predict(self, texts):
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.float32)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1.0
        (probabilities,) = self._session.run(None, {"ids": ids, "mask": mask})
        return [
            {"output": "positive", "confidence": p}
            if p >= 0.5
            else {"output": "negative", "confidence": 1.0 - p}
            for p in probabilities[:, 1].tolist()
        ]

    def size(self, text):
        return len(self._tokenizer.encode(text).ids)


def load():
    return Model()
