"""A model's libraries use the threads that its process was given."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from seatrial.models.process import ModelProcess

MODEL = """
import {first}
import os
import onnxruntime

def opened(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession("model.onnx", options)

def load():
    sessions = dict(
        default=onnxruntime.InferenceSession("model.onnx"),
        by_name=onnxruntime.InferenceSession("model.onnx", sess_options=None, providers=None),
        less=opened(1),
        more=opened(64),
    )

    def predict(inputs):
        told = {{}}
        for name, session in sessions.items():
            options = session.get_session_options()
            spins = options.get_session_config_entry("session.intra_op.allow_spinning")
            told[name] = [options.intra_op_num_threads, spins]
        return [told for _ in inputs]

    return predict
"""


@pytest.fixture
def folder(tmp_path):
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [taken], [given])
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        tmp_path / "model.onnx",
    )
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "model:load"\n')
    return tmp_path


def test_sessions_of_the_model_s_own_keep_to_them(folder):
    """Also those whose options leave the number open, or ask for every core."""
    (folder / "model.py").write_text(MODEL.format(first="sys"))
    with ModelProcess(folder, threads=2) as process:
        told = process.answer(["a"]).answers[0].output
    assert told == {"default": [2, "0"], "by_name": [2, "0"], "less": [1, "0"], "more": [2, "0"]}


def test_the_adapter_s_session_keeps_to_them_too(folder):
    (folder / "seatrial.toml").write_text('[model]\nonnx = "model.onnx"\ninput = "array"\n')
    with ModelProcess(folder, threads=2) as process:
        assert process.answer([np.ones(1)]).answers[0].output is not None


def test_linear_algebra_keeps_to_them(folder):
    """Whatever the model set when it was loaded."""
    (folder / "model.py").write_text(
        "import numpy, threadpoolctl\n"
        "def load():\n"
        "    threadpoolctl.threadpool_limits(8)\n"
        "    def predict(inputs):\n"
        "        used = [one['num_threads'] for one in threadpoolctl.threadpool_info()]\n"
        "        return [max(used, default=1) for _ in inputs]\n"
        "    return predict\n"
    )
    with ModelProcess(folder, threads=2) as process:
        assert process.answer(["a"]).answers[0].output <= 2
