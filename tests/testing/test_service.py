"""The loopback server answers with a function, and goes away with its block."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from seatrial.testing.service import predict_route, serving


def ask(url, method="POST", path="/predict", document=None):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request(method, path, body=None if document is None else json.dumps(document))
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def test_a_batch_function_is_served_as_predict():
    with serving(predict_route(lambda xs: [x.upper() for x in xs])) as url:
        status, document = ask(url, document={"inputs": ["a"]})
        assert (status, document["results"]) == (200, [{"output": "A"}])
        assert ask(url, path="/other", document={})[0] == 404
        assert ask(url, method="GET")[0] == 404


@pytest.mark.parametrize("route", [predict_route(lambda xs: 1 / 0), lambda *_: 1 / 0])
def test_what_the_function_raises_is_a_500_that_names_it(route):
    with serving(route) as url:
        status, document = ask(url, document={"inputs": ["a"]})
    assert (status, document) == (500, {"detail": "ZeroDivisionError: division by zero"})


def test_the_port_is_free_again_afterwards():
    with serving(lambda *_: (200, {})) as url:
        pass
    with pytest.raises(ConnectionRefusedError):
        ask(url)
