"""The MiniLM encoder as one ONNX graph, written from its weights; no deep-learning library.

The architecture is BERT's (Devlin et al., 2019): embeddings, then layers of self-attention and a
two-layer perceptron, each added to its input and normalised. Mean pooling over the tokens that are
no padding follows Reimers and Gurevych (2019).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

FloatArray = NDArray[np.float32]
OPSET = 20
"""The first with Gelu as one operator."""

IR = 10
MASKED = -1e4
DTYPES = {"F32": np.float32, "I64": np.int64}


def read_weights(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read a safetensors file: length of the header, header in JSON, then the bytes."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    found: dict[str, NDArray[np.generic]] = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(raw[start + first : start + last], DTYPES[entry["dtype"]])
        found[name] = values.reshape(entry["shape"])
    return found


class Graph:
    """Collects nodes and constants; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes = []
        self.constants = []

    def constant(self, values: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(np.asarray(values, dtype=dtype))
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: object) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def linear(self, given: str, weight: FloatArray, bias: FloatArray) -> str:
        product = self.add("MatMul", given, self.constant(weight.T))
        return self.add("Add", product, self.constant(bias))

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)


class Encoder:
    """Writes the graph.

    Args:
        weights: As the checkpoint names them.
        config: Its ``config.json``.
    """

    def __init__(self, weights: dict[str, FloatArray], config: dict[str, int]) -> None:
        self._weights = weights
        self._heads = config["num_attention_heads"]
        self._hidden = config["hidden_size"]
        self._layers = config["num_hidden_layers"]
        self._epsilon = config["layer_norm_eps"]
        self._graph = Graph()

    def build(self, head: tuple[FloatArray, FloatArray] | None) -> ModelProto:
        """Return ids and mask -> class probabilities; without a head, the unit embeddings."""
        graph = self._graph
        state = self._embedded()
        absent = graph.add("Sub", graph.constant(1.0), "mask")
        penalty = graph.add("Mul", absent, graph.constant(MASKED))
        penalty = graph.add("Unsqueeze", penalty, graph.integers(1, 2))
        for number in range(self._layers):
            state = self._layer(state, penalty, f"encoder.layer.{number}.")
        pooled = self._pooled(state)
        unit = graph.add("LpNormalization", pooled, axis=1, p=2)
        if head is None:
            graph.add("Identity", unit, output="answer")
        else:
            graph.add("Softmax", graph.linear(unit, *head), output="answer", axis=-1)
        return self._model()

    def _model(self) -> ModelProto:
        made = helper.make_graph(
            self._graph.nodes,
            "minilm",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows", "tokens"]),
                helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["rows", "tokens"]),
            ],
            [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["rows", "columns"])],
            self._graph.constants,
        )
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR
        checker.check_model(model)
        return model

    def _embedded(self) -> str:
        graph, named = self._graph, "embeddings."
        words = graph.constant(self._weights[f"{named}word_embeddings.weight"])
        # Every token has type 0, so its embedding can be added to the positions' beforehand.
        places = self._weights[f"{named}position_embeddings.weight"]
        places = places + self._weights[f"{named}token_type_embeddings.weight"][0]
        length = graph.add("Shape", "ids", start=1, end=2)
        position = graph.add(
            "Slice", graph.constant(places), graph.integers(0), length, graph.integers(0)
        )
        total = graph.add("Add", graph.add("Gather", words, "ids"), position)
        return self._normalised(total, f"{named}LayerNorm")

    def _normalised(self, given: str, name: str) -> str:
        scale = self._graph.constant(self._weights[f"{name}.weight"])
        shift = self._graph.constant(self._weights[f"{name}.bias"])
        return self._graph.add(
            "LayerNormalization", given, scale, shift, axis=-1, epsilon=self._epsilon
        )

    def _dense(self, given: str, name: str) -> str:
        weights = self._weights
        return self._graph.linear(given, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def _layer(self, state: str, penalty: str, name: str) -> str:
        graph = self._graph
        attended = self._attention(state, penalty, f"{name}attention.self.")
        attended = self._dense(attended, f"{name}attention.output.dense")
        state = self._normalised(
            graph.add("Add", attended, state), f"{name}attention.output.LayerNorm"
        )
        inner = graph.add("Gelu", self._dense(state, f"{name}intermediate.dense"))
        inner = self._dense(inner, f"{name}output.dense")
        return self._normalised(graph.add("Add", inner, state), f"{name}output.LayerNorm")

    def _attention(self, state: str, penalty: str, name: str) -> str:
        graph, size = self._graph, self._hidden // self._heads
        # The 1/sqrt(size) of scaled dot-product attention is put into the query's weights.
        query = self._heads_of(state, f"{name}query", [0, 2, 1, 3], scale=1.0 / math.sqrt(size))
        key = self._heads_of(state, f"{name}key", [0, 2, 3, 1])
        value = self._heads_of(state, f"{name}value", [0, 2, 1, 3])
        scores = graph.add("Add", graph.add("MatMul", query, key), penalty)
        mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
        mixed = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
        return graph.add("Reshape", mixed, graph.integers(0, 0, self._hidden))

    def _heads_of(self, state: str, name: str, order: list[int], *, scale: float = 1.0) -> str:
        graph, weights = self._graph, self._weights
        projected = graph.linear(
            state, weights[f"{name}.weight"] * scale, weights[f"{name}.bias"] * scale
        )
        shape = graph.integers(0, 0, self._heads, self._hidden // self._heads)
        return graph.add("Transpose", graph.add("Reshape", projected, shape), perm=order)

    def _pooled(self, state: str) -> str:
        graph = self._graph
        mask = graph.add("Unsqueeze", "mask", graph.integers(2))
        total = graph.add("ReduceSum", graph.add("Mul", state, mask), graph.integers(1), keepdims=0)
        count = graph.add("ReduceSum", mask, graph.integers(1), keepdims=0)
        return graph.add("Div", total, count)
