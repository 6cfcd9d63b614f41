"""Templates say how an endpoint is asked and where its answer holds the outputs."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import InputError, OutputContractError, SettingsError
from seatrial.models.template import Template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def template(body='{"inputs": "$inputs"}', answer='{"results": "$outputs"}'):
    return Template(body=body, answer=answer)


@pytest.mark.parametrize(
    ("body", "inputs", "sent", "takes_batches"),
    [
        ('"$inputs"', ["a", "b"], ["a", "b"], True),
        ('{"data": {"x": "$inputs"}, "n": "$n"}', [1, 2], {"data": {"x": [1, 2]}, "n": 2}, True),
        ('{"instances": [{"text": "$each", "lang": "en"}]}', ["a", "b"],
         {"instances": [{"text": "a", "lang": "en"}, {"text": "b", "lang": "en"}]}, True),
        ('["$each"]', ["a"], ["a"], True),
        ('[{"years": "$each.age"}]', [{"age": 3}, {"age": 4}], [{"years": 3}, {"years": 4}], True),
        ('"$input"', [{"age": 3}], {"age": 3}, False),
        ('{"text": "$input", "cost": "$$5", "k": 1}', ["a"],
         {"text": "a", "cost": "$5", "k": 1}, False),
        ('{"data": ["$input"]}', ["a"], {"data": ["a"]}, False),
        ('{"years": "$input.age"}', [{"age": 3}], {"years": 3}, False),
    ],
)  # fmt: skip
def test_inputs_go_where_the_placeholder_stands(body, inputs, sent, takes_batches):
    made = template(body, '{"x": ["$output"]}')
    assert made.request(inputs) == sent
    assert made.takes_batches == takes_batches


@given(st.lists(JSON, max_size=4))
def test_inputs_are_sent_as_they_are_whatever_they_look_like(inputs):
    assert template().request([*inputs, "$inputs", "$n"])["inputs"] == [*inputs, "$inputs", "$n"]


@pytest.mark.parametrize(
    ("answer", "document", "found"),
    [
        ('{"results": "$outputs"}', {"results": [1, 2], "more": 0}, [1, 2]),
        ('"$outputs"', [1, 2], [1, 2]),
        ('["$output"]', [1, 2], [1, 2]),
        ('[{"label": "$output", "score": "$confidence"}]',
         [{"label": "a", "score": 0.5}, {"label": "b"}], [{"output": "a", "confidence": 0.5}, "b"]),
        ('{"p": [{"y": {"class": "$output"}, "all": "$scores"}]}',
         {"p": [{"y": {"class": 1}, "all": {"1": 0.9}}]}, [{"output": 1, "scores": {"1": 0.9}}]),
        ('{"labels": "$outputs", "probs": "$confidences"}',
         {"labels": ["a"], "probs": [0.25]}, [{"output": "a", "confidence": 0.25}]),
        ('{"outputs": [{"name": "y", "data": "$outputs"}]}',
         {"outputs": [{"name": "y", "data": [7]}, {"name": "z"}]}, [7]),
        ('{"ok": true, "meta": null, "y": "$outputs"}', {"ok": True, "y": [1]}, [1]),
    ],
)  # fmt: skip
def test_outputs_are_read_where_the_pattern_points(answer, document, found):
    assert template(answer=answer).answers(document) == found


@pytest.mark.parametrize(
    ("answer", "document", "found"),
    [
        ('{"label": "$output", "score": "$confidence"}', {"label": "a", "score": 1},
         {"output": "a", "confidence": 1}),
        ('"$output"', "bare", "bare"),
        ('[{"label": "$output"}]', [{"label": "a"}], "a"),
        ('{"choices": [{"message": {"content": "$output"}}]}',
         {"choices": [{"message": {"content": "hi"}}]}, "hi"),
    ],
)  # fmt: skip
def test_one_input_has_one_answer(answer, document, found):
    assert template('{"text": "$input"}', answer).answers(document) == [found]


@pytest.mark.parametrize(
    ("answer", "document", "message"),
    [
        ('{"results": "$outputs"}', {"result": [1]}, "at the top: expected the key 'results'"),
        ('{"results": "$outputs"}', [1], "at the top: expected an object"),
        ('{"a": {"b": [{"c": "$output"}]}}', {"a": {"b": [{"c": 1}, {"d": 2}]}},
         "at /a/b/1: expected the key 'c'"),
        ('{"a": [{"c": "$output"}]}', {"a": {"c": 1}}, "at /a: expected a list"),
        ('{"ok": true, "y": "$outputs"}', {"ok": False, "y": []},
         "at /ok: expected True, received false"),
        ('{"y": "$outputs"}', {"y": "text"}, 'expected a list, received "text"'),
        ('{"y": "$outputs", "p": "$confidences"}', {"y": [1, 2], "p": [0.5]}, "a list of 2"),
        ('{"y": [1, 2, "$outputs"]}', {"y": [1]}, "a list of at least 3"),
    ],
)  # fmt: skip
def test_a_response_that_does_not_fit_says_where(answer, document, message):
    with pytest.raises(OutputContractError) as caught:
        template(answer=answer).answers(document)
    assert message in caught.value.message


def test_a_long_response_is_shortened_in_messages():
    with pytest.raises(OutputContractError) as caught:
        template().answers({"x": "y" * 5000})
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("body", "answer", "message"),
    [
        ("{", '"$outputs"', "endpoint.body is not JSON"),
        ("$inputs", '"$outputs"', "endpoint.body is not JSON"),
        ('"$inputs"', "", "endpoint.answer is not JSON"),
        ('{"a": 1}', '"$outputs"', "holds no placeholder for inputs"),
        ('["$inputs", "$input"]', '"$outputs"', "holds $input and $inputs"),
        ('{"a": "$inptus"}', '"$outputs"', 'Did you mean "$inputs"?'),
        ('"$inputs"', '"$output"', 'outside a list'),
        ('"$inputs"', '{"a": 1}', 'holds 0 of "$outputs" and "$output"'),
        ('"$inputs"', '{"a": "$outputs", "b": ["$output"]}', "holds 2 of"),
        ('"$inputs"', '"$result"', "endpoint.answer holds '$result'"),
        ('{"a": "$each"}', '"$outputs"', "outside a one-element list"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_work_is_refused_with_an_example(body, answer, message):
    with pytest.raises(SettingsError) as caught:
        template(body, answer)
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("value", [{"age": 1}, "text"])
def test_a_column_that_a_record_lacks_is_the_callers_error(value):
    with pytest.raises(InputError, match="the column 'city'"):
        template('{"c": "$input.city"}', '{"y": "$output"}').request([value])


@given(JSON, st.sampled_from(['{"a": [{"b": "$output"}]}', '"$outputs"', '[1, "$outputs"]']))
def test_no_response_raises_anything_foreign(document, answer):
    with contextlib.suppress(OutputContractError):
        found = template(answer=answer).answers(msgspec.json.decode(json.dumps(document)))
        assert isinstance(found, list)
