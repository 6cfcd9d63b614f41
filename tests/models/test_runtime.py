"""Sessions of ONNX Runtime: as many threads as the process was given."""

import pytest
from onnx import TensorProto, helper

from seatrial.models.process import ModelProcess
from seatrial.models.runtime import session

MODEL = """
from pathlib import Path
from seatrial.models.runtime import session

def load():
    opened = session(Path("model.onnx"))
    return lambda inputs: [opened.get_session_options().intra_op_num_threads for _ in inputs]
"""


@pytest.fixture
def file(tmp_path):
    made = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=9)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "model.onnx"


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("", 1), ("0", 1)])
def test_a_session_uses_the_threads_that_its_process_was_given(file, monkeypatch, said, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert session(file).get_session_options().intra_op_num_threads == expected


def test_a_worker_runs_an_onnx_file_on_one_thread_unless_told_otherwise(file):
    """So that the workers of one server do not fight for the same cores."""
    (file.parent / "seatrial.toml").write_text('[model]\nload = "model:load"\n')
    (file.parent / "model.py").write_text(MODEL)
    for threads in (1, 4):
        with ModelProcess(file.parent, threads=threads) as process:
            assert process.answer(["how many"]).answers[0].output == threads
