"""How a service is asked is found out by asking it, or said not to be known."""

import socket
import threading
from contextlib import contextmanager

import fastapi
import pydantic
import pytest
import uvicorn

from seatrial.core.errors import SettingsError, UnreachableError
from seatrial.models.endpoint import Endpoint
from seatrial.models.probing import answer_pattern, find_template
from seatrial.models.template import Template
from seatrial.models.url import UrlSubject
from seatrial.testing.service import serving


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        (["a", "b"], "$outputs"),
        ([{"label": "a"}, {"label": "b"}], [{"label": "$output"}]),
        ({"labels": ["a", "b"]}, {"labels": "$outputs"}),
        ({"anything": [1, 2], "took_ms": 3}, {"anything": "$outputs"}),
        ({"predictions": [[1, 2], [3, 4]]}, {"predictions": "$outputs"}),
        ({"labels": ["a", "b"], "scores": [0.5, 0.7]},
         {"labels": "$outputs", "scores": "$confidences"}),
        ({"data": {"results": [{"class": "a", "prob": 1.0}, {"class": "b", "prob": 0.5}]}},
         {"data": {"results": [{"class": "$output", "prob": "$confidence"}]}}),
        ({"results": [{"output": "a", "scores": {"a": 1.0}, "confidence": 1.0}] * 2},
         {"results": [{"output": "$output", "confidence": "$confidence", "scores": "$scores"}]}),
    ],
)  # fmt: skip
def test_the_list_of_answers_is_found(document, pattern):
    assert answer_pattern(document, rows=2) == pattern


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        ("a", "$output"),
        (0.5, "$output"),
        ({"label": "a", "score": 0.5}, {"label": "$output", "score": "$confidence"}),
        ({"prediction": {"label": "a"}}, {"prediction": {"label": "$output"}}),
        ([{"label": "a"}], [{"label": "$output"}]),
        ({"price": 3.5}, {"price": "$output"}),
    ],
)
def test_a_single_answer_is_found(document, pattern):
    assert answer_pattern(document, rows=None) == pattern


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        (None, None),
        ({}, None),
        ({"detail": "hello"}, None),
        ({"status": "ok", "version": 2}, None),
        (["a", "b"], None),
        ("a", 2),
        ({"label": "a"}, 2),
        (["a", "b", "c"], 2),
        ({"left": ["a", "b"], "right": ["c", "d"]}, 2),
        ([{"x": "a", "y": "b"}] * 2, 2),
    ],
)
def test_a_response_that_says_nothing_clear_is_not_guessed_at(document, rows):
    assert answer_pattern(document, rows=rows) is None


class Texts(pydantic.BaseModel):
    texts: list[str]


class Message(pydantic.BaseModel):
    message: str


class Row(pydantic.BaseModel):
    age: float
    city: str


def by_list(body: Texts):
    return {"predictions": [text.upper() for text in body.texts]}


def by_one(body: Message):
    return {"label": body.message.upper(), "score": 0.5}


def by_record(body: Row):
    return {"label": f"{body.city}{body.age:g}", "model": "v1"}


@contextmanager
def fastapi_at(route):
    """Serve a FastAPI route as people do; its validation is what is looked at."""
    app = fastapi.FastAPI()
    app.post("/classify")(route)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/classify"
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    ("route", "kind", "inputs", "outputs"),
    [
        (by_list, "text", ["a", "b"], ["A", "B"]),
        (by_one, "text", ["a", "b"], ["A", "B"]),
        (by_record, "record", [{"age": 1, "city": "x"}], ["x1"]),
    ],
)
def test_a_fastapi_service_tells_how_it_wants_to_be_asked(route, kind, inputs, outputs):
    with fastapi_at(route) as url:
        subject = UrlSubject.open(url, sample=inputs[0], kind=kind)
        assert [one.output for one in subject.answer(inputs).answers] == outputs
        assert subject.takes_batches == (route is by_list)
        subject.close()


def test_a_body_alone_is_enough_where_the_answer_is_clear():
    with serving(lambda p, d, h: (200, {"y": [t.upper() for t in d["q"]]})) as url:
        subject = UrlSubject.open(f"{url}/x", body='{"q": "$inputs"}')
        assert [one.output for one in subject.answer(["a", "b"]).answers] == ["A", "B"]
        subject.close()


def test_an_unclear_answer_is_shown():
    with serving(lambda *_: (200, {"status": "fine", "took": 3})) as url:
        endpoint = Endpoint(url)
        with pytest.raises(SettingsError, match="is of no known shape") as caught:
            find_template(endpoint, sample="a", kind="text", body='{"q": "$input"}')
        assert '{"status":"fine","took":3}' in caught.value.message
        endpoint.close()


def test_a_path_that_is_not_there_ends_the_trying():
    asked = []

    def route(path, document, headers):
        asked.append(document)
        return 404, {"detail": "Not Found"}

    with serving(route) as url:
        endpoint = Endpoint(url)
        with pytest.raises(SettingsError, match="answered 404"):
            find_template(endpoint, sample="a", kind="text")
        endpoint.close()
    assert len(asked) == 1


def test_nobody_there_is_unreachable():
    with serving(lambda *_: (200, [])) as url:
        pass
    with pytest.raises(UnreachableError):
        find_template(Endpoint(url), sample="a", kind="text")


def test_what_is_found_can_be_written_down():
    with serving(lambda p, d, h: (200, {"labels": d["inputs"]})) as url:
        endpoint = Endpoint(url)
        found = find_template(endpoint, sample="a", kind="text")
        endpoint.close()
    again = Template(body=found.body, answer=found.answer)
    assert again.answers({"labels": [1, 2]}) == [1, 2]
