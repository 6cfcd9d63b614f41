"""Writes W2's model from the encoder's weights and picks texts of 8 to 256 tokens.

python benchmarks/serving/workloads/build_w2.py FOLDER ENCODER
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from statistics import NormalDist
from typing import Any

import minilm
import numpy as np
import onnxruntime
import texts
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

TOKENS_LEAST, TOKENS_MOST, TOKENS_MEDIAN = 8, 256, 40
SIGMA = 0.8
"""Of the log-normal: a tenth of the texts is longer than 110 tokens."""

TRAINED_ON = 1500
NEAR_ENOUGH = 4
"""Tokens by which a text, which ends with a word, may miss the length that was drawn."""

SPECIAL = 2
"""The tokens that begin and end every text."""

NAMES = {0: "negative", 1: "positive"}

KNOWN_TEXT = "This is an example sentence"
KNOWN = (0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.0374481)
"""The first numbers of that sentence's embedding, as sentence-transformers gives them."""


class Embedding:
    """The encoder without a head, one text at a time."""

    def __init__(self, model: bytes, tokenizer: Tokenizer) -> None:
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids[:TOKENS_MOST]], dtype=np.int64)
        mask = np.ones(ids.shape, dtype=np.float32)
        return self._session.run(None, {"ids": ids, "mask": mask})[0][0]


def main(folder: Path, encoder: Path) -> None:
    shutil.copytree(Path(__file__).parent / "w2", folder, dirs_exist_ok=True)
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = minilm.read_weights(encoder / "model.safetensors")
    config = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    plain = minilm.Encoder(weights, config).build(None).SerializeToString()
    embed = Embedding(plain, tokenizer)
    difference = np.abs(embed(KNOWN_TEXT)[: len(KNOWN)] - KNOWN).max()
    if difference > 1e-5:
        raise SystemExit(f"the encoder differs from the published one by {difference:.2g}.")
    head, right = trained_head(embed)
    (folder / "model.onnx").write_bytes(
        minilm.Encoder(weights, config).build(head).SerializeToString()
    )
    rows, lengths = cut(texts.rows("sentiment_long_reviews.parquet"), tokenizer)
    asked = [row["text"] for row in rows[: texts.ASKED]]
    lengths = lengths[: texts.ASKED]
    sys.path.insert(0, str(folder))
    import model

    loaded = model.load()
    answers = [loaded.predict([text])[0] for text in asked]
    evaluated = [{"text": row["text"], "label": NAMES[row["label"]]} for row in rows[texts.ASKED :]]
    texts.write(folder, asked=asked, answers=answers, evaluated=evaluated)
    quantiles = np.percentile(lengths, [0, 50, 90, 100]).astype(int).tolist()
    print(
        f"w2: head {right:.1%} right on held-out sentences; {len(asked)} texts of {quantiles[0]} "
        f"to {quantiles[3]} tokens, median {quantiles[1]}, mean {np.mean(lengths):.1f}, nine in "
        f"ten within {quantiles[2]}"
    )


def trained_head(embed: Embedding) -> tuple[Any, float]:
    """Train two classes on embeddings; return weights and bias for a softmax, and the accuracy."""
    rows = texts.rows("sentiment_sst2.parquet")
    train = [row for row in rows if row["split"] == "train"][:TRAINED_ON]
    held_out = [row for row in rows if row["split"] != "train"][: texts.ASKED]
    line = LogisticRegression(C=10.0, max_iter=1000)
    line.fit([embed(row["text"]) for row in train], [row["label"] for row in train])
    right = line.score([embed(row["text"]) for row in held_out], [row["label"] for row in held_out])
    weight = np.vstack([np.zeros_like(line.coef_[0]), line.coef_[0]]).astype(np.float32)
    return (weight, np.array([0.0, line.intercept_[0]], dtype=np.float32)), float(right)


def cut(reviews: list[Any], tokenizer: Tokenizer) -> tuple[list[Any], list[int]]:
    """Cut reviews, at the ends of words, to log-normal lengths; those asked come first."""
    rng = np.random.default_rng(0)
    left = [reviews[place] for place in rng.permutation(len(reviews))]
    made: list[Any] = []
    lengths: list[int] = []
    for wanted in [*spread_lengths(texts.ASKED, rng), *spread_lengths(texts.EVAL_ROWS, rng)]:
        length = 0
        while abs(length - wanted) > NEAR_ENOUGH or not TOKENS_LEAST <= length <= TOKENS_MOST:
            row = left.pop()
            text = _ending_with(row["text"], wanted - SPECIAL, tokenizer)
            length = len(tokenizer.encode(text).ids)
        made.append(row | {"text": text})
        lengths.append(length)
    return made, lengths


def spread_lengths(count: int, rng: np.random.Generator) -> list[int]:
    """Return lengths at evenly spaced quantiles, shuffled: no draw has a median of its own."""
    normal = NormalDist(float(np.log(TOKENS_MEDIAN)), SIGMA)
    quantiles = (np.arange(count) + 0.5) / count
    lengths = [round(float(np.exp(normal.inv_cdf(quantile)))) for quantile in quantiles]
    return rng.permutation(np.clip(lengths, TOKENS_LEAST, TOKENS_MOST)).tolist()


def _ending_with(review: str, tokens: int, tokenizer: Tokenizer) -> str:
    encoding = tokenizer.encode(review)
    if len(encoding.ids) <= tokens + SPECIAL:
        return review
    # A cut inside a word would tokenise otherwise: go back to the token that begins one.
    while tokens > 1 and encoding.word_ids[tokens] == encoding.word_ids[tokens + 1]:
        tokens -= 1
    return review[: encoding.offsets[tokens][1]]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
