"""ONNX files are fed by the declared kind and read as the answers they hold."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from seatrial.core.errors import InputError, ModelLoadError, ModelRaisedError, NonFiniteOutputError
from seatrial.core.settings import parse
from seatrial.models.opening import open_subject

ROWS = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
THREE = np.where(ROWS[:, 0] > 0.5, "high", np.where(ROWS[:, 0] < -0.5, "low", "mid"))


def opened(folder, *, columns=None, **model):
    document = {"model": {"onnx": "model.onnx", **model}}
    if columns:
        document["eval"] = {"input": columns}
    return open_subject(parse(document, environment={}), folder)


def answers(subject, inputs):
    return subject.answer(inputs).answers


def save(folder, model):
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def graph(folder, nodes, inputs, outputs, constants=(), *, metadata=None, domains=()):
    """Write a model of the given nodes; inputs and outputs are (name, type, shape)."""
    made = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if node[3:] else {})) for node in nodes],
        "test",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in domains)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=9)
    helper.set_model_props(model, metadata or {})
    return save(folder, model)


def linear(folder, *, batch=None, last="Identity", name="scores", metadata=None, columns=3):
    """Write ``scores = x W``, then ``last``; W is the identity, so scores are the inputs."""
    weights = np.eye(3, dtype=np.float32)[:, :columns]
    return graph(
        folder,
        [("MatMul", ["x", "w"], ["raw"]), (last, ["raw"], [name])],
        [("x", TensorProto.FLOAT, [batch, 3])],
        [(name, TensorProto.FLOAT, [batch, columns])],
        [("w", weights)],
        metadata=metadata,
    )


@pytest.mark.parametrize("zipmap", [True, False], ids=["ZipMap", "tensor"])
def test_a_classifier_from_scikit_learn_answers_as_the_original(tmp_path, zipmap):
    model = LogisticRegression().fit(ROWS, THREE)
    save(tmp_path, to_onnx(model, ROWS[:1], options={id(model): {"zipmap": zipmap}}))
    found = answers(opened(tmp_path, input="array"), ROWS.tolist())
    assert [one.output for one in found] == model.predict(ROWS).tolist()
    assert [one.confidence for one in found] == pytest.approx(
        model.predict_proba(ROWS).max(axis=1), abs=1e-5
    )
    if zipmap:
        assert set(found[0].scores) == {"high", "low", "mid"}


def test_a_text_pipeline_takes_strings(tmp_path):
    texts, labels = ["good film", "bad film", "so good", "so bad"] * 3, [1, 0, 1, 0] * 3
    steps = TfidfVectorizer(lowercase=False), LogisticRegression()
    model = make_pipeline(*steps).fit(texts, labels)
    converted = to_onnx(model, initial_types=[("text", StringTensorType([None, 1]))])
    found = answers(opened(save(tmp_path, converted)), texts)
    assert [one.output for one in found] == labels
    assert found[0].confidence == pytest.approx(model.predict_proba(texts)[0].max(), abs=1e-5)


def test_records_go_into_one_input_per_column(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0], "city": ["a", "b", "a", "b"]})
    steps = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["city"]))
    model = make_pipeline(steps, LogisticRegression()).fit(frame, [0, 0, 1, 1])
    types = [("age", FloatTensorType([None, 1])), ("city", StringTensorType([None, 1]))]
    save(tmp_path, to_onnx(model, initial_types=types))
    records = [{"city": "b", "age": 4, "more": 1}, {"age": 1.0, "city": "a"}]
    found = answers(opened(tmp_path, input="record"), records)
    assert [one.output for one in found] == [1, 0]


def test_records_go_into_one_tensor_in_the_declared_order(tmp_path):
    model = LinearRegression().fit([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [10.0, 1.0, 0.0])
    save(tmp_path, to_onnx(model, ROWS[:1]))
    settings = {"input": "record", "task": "regression", "columns": ["tens", "ones"]}
    found = answers(opened(tmp_path, **settings), [{"ones": 3, "tens": 2}])
    assert found[0].output == pytest.approx(23.0, abs=1e-4)
    assert found[0].confidence is None


def test_a_missing_number_reaches_the_model_as_nan(tmp_path):
    save(tmp_path, to_onnx(LinearRegression().fit(ROWS, ROWS[:, 0]), ROWS[:1]))
    subject = opened(tmp_path, input="record", task="regression", columns=["a", "b"])
    with pytest.raises(NonFiniteOutputError) as caught:
        subject.answer([{"a": 1, "b": 2}, {"a": None, "b": 2}])
    assert caught.value.details == {"row": 1}


def test_logits_give_the_class_and_its_softmax(tmp_path):
    found = answers(opened(linear(tmp_path), input="array"), [[0.0, 3.0, 0.0]])[0]
    assert found.output == 1
    assert found.confidence == pytest.approx(np.exp(3) / (np.exp(3) + 2))


def test_probabilities_stay_as_they_are(tmp_path):
    found = answers(opened(linear(tmp_path, last="Softmax"), input="array"), [[0.0, 3.0, 0.0]])[0]
    assert found.confidence == pytest.approx(np.exp(3) / (np.exp(3) + 2))


@pytest.mark.parametrize(
    ("last", "name", "expected"),
    [
        ("Sigmoid", "y", 0.668188),  # already a probability, by its operator
        ("Identity", "y", 0.668188),  # a logit, by its operator: the sigmoid is ours
        ("Identity", "probability", 0.7),  # a probability, by its name
        ("Sigmoid", "logits", 0.661089),  # a logit, by its name
    ],
)
def test_a_single_column_is_a_probability_or_a_logit(tmp_path, last, name, expected):
    linear(tmp_path, last=last, name=name, columns=1)
    found = answers(opened(tmp_path, input="array"), [[0.7, 0.0, 0.0]])[0]
    assert (found.output, found.confidence) == (1, pytest.approx(expected, abs=1e-5))


def test_a_regression_is_never_read_as_scores(tmp_path):
    found = answers(opened(linear(tmp_path), input="array", task="regression"), [[0.0, 3.0, 0.0]])
    assert found[0].output == [0.0, 3.0, 0.0]


def test_distances_of_a_support_vector_machine_are_no_confidence(tmp_path):
    model = LinearSVC().fit(ROWS, THREE)
    save(tmp_path, to_onnx(model, ROWS[:1]))
    found = answers(opened(tmp_path, input="array"), ROWS[:9].tolist())
    assert [one.output for one in found] == model.predict(ROWS[:9]).tolist()
    assert all(one.confidence is None for one in found)


@pytest.mark.parametrize(
    "names",
    [
        {"metadata": {"classes": '["a", "b", "c"]'}},
        {"metadata": {"names": "{0: 'a', 1: 'b', 2: 'c'}"}},
        {"beside": ["a", "b", "c"]},
        {"beside": {"0": "a", "1": "b", "2": "c"}},
    ],
    ids=str,
)
def test_classes_are_named_by_metadata_or_a_file_beside(tmp_path, names):
    linear(tmp_path, metadata=names.get("metadata"))
    if "beside" in names:
        (tmp_path / "classes.json").write_text(json.dumps(names["beside"]))
    found = answers(opened(tmp_path, input="array"), [[0.0, 0.0, 2.0]])[0]
    assert found.output == "c"
    assert list(found.scores) == ["a", "b", "c"]


def test_a_class_file_that_names_nothing_is_refused(tmp_path):
    (tmp_path / "classes.json").write_text('"abc"')
    with pytest.raises(ModelLoadError, match="names no classes"):
        opened(linear(tmp_path), input="array")


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_a_fixed_batch_is_filled_up_and_the_filling_dropped(tmp_path, batch, rows):
    subject = opened(linear(tmp_path, batch=batch), input="array")
    inputs = np.eye(3)[np.arange(rows) % 3].tolist()
    assert [one.output for one in answers(subject, inputs)] == [n % 3 for n in range(rows)]
    assert subject.takes_batches == (batch != 1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"input": "text"}, "x: tensor(float)[?, 3]; that cannot be fed from input"),
        ({"input": "chat"}, "cannot be fed"),
        ({"input": "record"}, "nothing says in which order"),
        ({"input": "record", "columns": ["a", "b"]}, "takes 3 columns; [eval] input lists 2"),
    ],
)
def test_inputs_that_cannot_be_fed_are_named_at_loading(tmp_path, model, message):
    with pytest.raises(ModelLoadError) as caught:
        opened(linear(tmp_path), **model)
    assert message in caught.value.message


def test_token_ids_are_no_text(tmp_path):
    ids = [
        ("input_ids", TensorProto.INT64, [None, None]),
        ("mask", TensorProto.INT64, [None, None]),
    ]
    nodes = [("Add", ["input_ids", "mask"], ["y"])]
    graph(tmp_path, nodes, ids, [("y", TensorProto.INT64, [None, None])])
    with pytest.raises(ModelLoadError, match="input_ids: tensor"):
        opened(tmp_path)


@pytest.mark.parametrize("content", [b"", b"this is no protobuf", None])
def test_an_unreadable_file_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"model\.onnx") as caught:
        opened(tmp_path, input="array")
    assert caught.value.hint


def test_a_locale_that_the_machine_lacks_is_named(tmp_path):
    text = [("x", TensorProto.STRING, [None])], [("y", TensorProto.STRING, [None])]
    attributes = {"case_change_action": "LOWER", "locale": "xx_XX.UTF-8"}
    graph(tmp_path, [("StringNormalizer", ["x"], ["y"], attributes)], *text)
    with pytest.raises(ModelLoadError, match=r"locale xx_XX\.UTF-8"):
        opened(tmp_path)


def test_operators_of_a_custom_library_are_refused(tmp_path):
    nodes = [("Twist", ["x"], ["y"], {"domain": "com.acme"})]
    tensor = ("x", TensorProto.FLOAT, [None, 1]), ("y", TensorProto.FLOAT, [None, 1])
    graph(tmp_path, nodes, [tensor[0]], [tensor[1]], domains=["com.acme"])
    with pytest.raises(ModelLoadError, match=r"com\.acme:Twist.*are not loaded"):
        opened(tmp_path, input="array")


@pytest.mark.parametrize("inputs", [[[1.0, 2.0]], [[[1.0, 2.0, 3.0]]], [["a", "b", "c"]]])
def test_inputs_of_another_shape_are_the_callers_error(tmp_path, inputs):
    with pytest.raises(InputError):
        opened(linear(tmp_path), input="array").answer(inputs)


def test_what_the_runtime_raises_is_the_models_error(tmp_path):
    graph(
        tmp_path,
        [("Reshape", ["x", "shape"], ["y"])],
        [("x", TensorProto.FLOAT, [None, 2])],
        [("y", TensorProto.FLOAT, [None, 4])],
        [("shape", np.array([-1, 4], dtype=np.int64))],
    )
    with pytest.raises(ModelRaisedError):
        opened(tmp_path, input="array", task="regression").answer([[1.0, 2.0]])
