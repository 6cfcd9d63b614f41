"""A service behind a URL is asked as its template says, whoever wrote it."""

import threading

import pytest

from seatrial.core.errors import (
    ModelRaisedError,
    NonFiniteOutputError,
    OutputContractError,
    SettingsError,
    UnreachableError,
)
from seatrial.core.settings import parse
from seatrial.models.headers import headers_from
from seatrial.models.opening import open_subject
from seatrial.models.url import AT_ONCE, UrlSubject
from seatrial.testing.models import EchoModel
from seatrial.testing.service import predict_route, serving

ONE = {"body": '{"text": "$input"}', "answer": '{"label": "$output", "p": "$confidence"}'}


def outputs(subject, inputs):
    return [one.output for one in subject.answer(inputs).answers]


def upper(path, document, headers):
    return 200, {"label": document["text"].upper(), "p": 0.5}


@pytest.mark.parametrize("path", ["", "/", "/predict"])
def test_our_own_server_is_found_at_its_root_or_its_route(tmp_path, path):
    with serving(predict_route(EchoModel().predict)) as url:
        settings = parse({"model": {"url": url + path}}, environment={})
        subject = open_subject(settings, tmp_path)
        assert outputs(subject, ["a", "b"]) == ["a", "b"]
        assert (subject.visible, subject.takes_batches, subject.trace(["a"])) == (False, True, None)
        subject.close()


def test_one_input_per_request_is_asked_in_parallel_within_bounds():
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(AT_ONCE)

    def route(path, document, headers):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(timeout=30)
        with lock:
            running -= 1
        return upper(path, document, headers)

    with serving(route) as url:
        subject = UrlSubject.open(url, **ONE)
        texts = [f"t{n}" for n in range(3 * AT_ONCE)]
        assert outputs(subject, texts) == [text.upper() for text in texts]
        subject.close()
    assert most == AT_ONCE


def test_a_failing_input_is_named_by_row_where_each_has_its_own_request():
    def route(path, document, headers):
        return (
            (500, {"detail": "no"}) if document["text"] == "bad" else upper(path, document, headers)
        )

    with serving(route) as url:
        subject = UrlSubject.open(url, **ONE)
        with pytest.raises(ModelRaisedError) as caught:
            subject.answer(["good", "bad", "good"])
        assert caught.value.details["row"] == 1
        subject.close()


@pytest.mark.parametrize(
    ("body", "answer", "route"),
    [
        ('"$inputs"', '"$outputs"', lambda p, d, h: (200, d)),
        ('{"instances": [{"t": "$each"}]}', '{"predictions": ["$output"]}',
         lambda p, d, h: (200, {"predictions": [one["t"] for one in d["instances"]]})),
        ('{"inputs": "$inputs"}', '[{"label": "$output"}]',
         lambda p, d, h: (200, [{"label": one} for one in d["inputs"]])),
        ('{"data": ["$input"]}', '{"data": ["$output"]}', lambda p, d, h: (200, d)),
    ],
)  # fmt: skip
def test_any_shape_of_service_can_be_described(body, answer, route):
    with serving(route) as url:
        subject = UrlSubject.open(f"{url}/any/path", body=body, answer=answer)
        assert outputs(subject, ["a", "b", "c"]) == ["a", "b", "c"]
        subject.close()


@pytest.mark.parametrize(
    ("results", "kind"),
    [
        ([{"output": 1}], OutputContractError),
        ([{"output": 1}] * 3, OutputContractError),
        ([{"output": 1}, {"output": float("nan")}], NonFiniteOutputError),
        ({"output": 1}, OutputContractError),
    ],
)
def test_answers_that_break_the_contract_are_named(results, kind):
    with serving(lambda *_: (200, {"results": results})) as url:
        subject = UrlSubject.open(url, body='{"x": "$inputs"}', answer='{"results": "$outputs"}')
        with pytest.raises(kind):
            subject.answer(["a", "b"])
        subject.close()


def test_without_a_template_the_endpoint_is_tried_out():
    with serving(predict_route(EchoModel().predict)) as url:
        subject = UrlSubject.open(url, sample="try")
        assert outputs(subject, ["a"]) == ["a"]
        subject.close()


def test_an_unknown_protocol_lists_what_was_tried_and_what_to_give():
    with (
        serving(lambda *_: (422, {"detail": "not like that"})) as url,
        pytest.raises(SettingsError) as caught,
    ):
        UrlSubject.open(f"{url}/classify")
    message = str(caught.value)
    for part in ("/classify", "$inputs", "not like that", "--body", "--answer"):
        assert part in message


def test_a_model_that_answers_nan_is_not_taken_for_another_protocol():
    with (
        serving(predict_route(lambda xs: [float("nan")] * len(xs))) as url,
        pytest.raises(NonFiniteOutputError),
    ):
        UrlSubject.open(url)


def test_the_url_is_kept_whole_for_whoever_asks_it_himself():
    subject = UrlSubject.asking("http://host/x?key=1", body='{"t": "$input"}')
    assert subject.url == "http://host/x?key=1"
    assert subject.body(["a"]) == b'{"t":"a"}'
    assert UrlSubject.native("http://host").url == "http://host/predict"


def test_nothing_listening_is_said_at_once():
    with serving(upper) as url:
        pass
    with pytest.raises(UnreachableError):
        UrlSubject.open(url)


@pytest.mark.parametrize("half", ["body", "answer"])
def test_half_a_template_in_the_settings_is_refused(tmp_path, half):
    endpoint = {"protocol": "template", half: ONE[half]}
    settings = parse({"model": {"url": "http://host"}, "endpoint": endpoint}, environment={})
    with pytest.raises(SettingsError, match="needs both body and answer"):
        open_subject(settings, tmp_path)


def test_an_answer_alone_says_nothing_about_asking():
    with pytest.raises(SettingsError, match=r"endpoint\.body is empty"):
        UrlSubject.open("http://127.0.0.1:1", answer=ONE["answer"])


def test_headers_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "Bearer 1")

    def route(path, document, headers):
        return 200, {"results": [{"output": headers.get("Authorization")}]}

    with serving(route) as url:
        document = {"model": {"url": url}, "endpoint": {"header_env": {"Authorization": "MY_KEY"}}}
        subject = open_subject(parse(document), tmp_path)
        assert outputs(subject, ["x"]) == ["Bearer 1"]
        subject.close()


@pytest.mark.parametrize(
    ("variables", "environment", "message"),
    [
        ({"Authorization": "KEY"}, {}, r"\$KEY, which is not set"),
        ({"Authorization": "KEY"}, {"KEY": "a\r\nX: 1"}, "more than printable ASCII"),
        ({"Bad name": "KEY"}, {"KEY": "a"}, "is no name of a header"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(variables, environment, message):
    with pytest.raises(SettingsError, match=message) as caught:
        headers_from(variables, environment=environment)
    assert "X: 1" not in str(caught.value)
