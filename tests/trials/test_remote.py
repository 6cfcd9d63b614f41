"""Settings for a service that is named on the command line."""

import json

import pytest

from seatrial.core.errors import SettingsError, UsageError
from seatrial.trials.remote import Service, name_of, settings_for

URL = "http://127.0.0.1:8000/v1/classify"


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": "hello", "age": 3, "label": "a"}, {"text": "bye", "age": 4, "label": "b"}]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def settings(folder, *, flags=None, **named):
    return settings_for(Service(url=URL, **named), folder=folder, flags=flags or {})


def test_a_url_and_a_file_are_enough(tmp_path, data):
    found = settings(tmp_path, data=str(data))
    assert (found.model.adapter, found.model.location, found.model.name) == ("url", URL, "classify")
    assert (found.model.input, found.eval.input, found.eval.label) == ("text", "text", "label")
    assert found.endpoint.protocol == "predict"
    assert found.eval.data == str(data)


def test_without_a_file_the_error_shows_an_example(tmp_path):
    with pytest.raises(UsageError, match="--data"):
        settings(tmp_path)


def test_columns_and_label_are_taken_from_the_options(tmp_path, data):
    found = settings(tmp_path, data=str(data), input="text, age", label="label")
    assert (found.eval.input, found.model.input) == (["text", "age"], "record")
    assert settings(tmp_path, data=str(data), input="*").eval.input == "*"
    assert settings(tmp_path, data=str(data), label="age").eval.label == "age"


def test_templates_and_headers_describe_the_endpoint(tmp_path, data):
    found = settings(
        tmp_path,
        data=str(data),
        body='{"q": "$input"}',
        answer='{"a": "$output"}',
        header_env=("Authorization=TOKEN", "X-Team=TEAM"),
    )
    assert (found.endpoint.protocol, found.endpoint.body) == ("template", '{"q": "$input"}')
    assert found.endpoint.header_env == {"Authorization": "TOKEN", "X-Team": "TEAM"}


@pytest.mark.parametrize("text", ["Authorization", "=TOKEN", "Authorization="])
def test_a_header_without_a_variable_is_refused(text, tmp_path, data):
    with pytest.raises(UsageError, match="NAME=VARIABLE"):
        settings(tmp_path, data=str(data), header_env=(text,))


def test_the_folder_gives_what_is_not_named(tmp_path, data):
    (tmp_path / "seatrial.toml").write_text(
        '[model]\nname = "mine"\nload = "model:load"\n\n[budget]\np99_ms = 50\n\n'
        '[eval]\ndata = "rows.jsonl"\nmetric = "metric:half"\n\n'
        '[endpoint]\nheader_env = {Accept = "ACCEPT"}\n'
    )
    found = settings(tmp_path, header_env=("Authorization=TOKEN",))
    assert (found.model.name, found.model.adapter) == ("mine", "url")
    assert (found.budget.p99_ms, found.eval.metric) == (50.0, "metric:half")
    assert found.eval.data == "rows.jsonl"
    assert found.endpoint.header_env == {"Accept": "ACCEPT", "Authorization": "TOKEN"}


def test_an_input_without_a_file_is_laid_over_the_folders_own(tmp_path, data):
    (tmp_path / "seatrial.toml").write_text(
        '[model]\nload = "model:load"\n\n[eval]\ndata = "rows.jsonl"\n'
    )
    assert settings(tmp_path, input="age").eval.input == "age"


def test_production_and_flags_are_passed_on(tmp_path, data):
    found = settings(
        tmp_path, data=str(data), production=str(data), flags={"trial.time_budget_s": 7.0}
    )
    assert (found.production.data, found.trial.time_budget_s) == (str(data), 7.0)


def test_a_regression_is_not_judged_by_equality(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text("area,price\n10,1.5\n20,2.25\n")
    found = settings(tmp_path, data=str(path))
    assert (found.model.task, found.eval.metric) == ("regression", "within:0.09")


def test_a_folder_whose_settings_are_broken_says_so(tmp_path, data):
    (tmp_path / "seatrial.toml").write_text("[model\n")
    with pytest.raises(SettingsError):
        settings(tmp_path, data=str(data))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h:1/Predict/", "predict"),
        ("http://h/v2/models/My Model:3", "my-model-3"),
        ("http://h", "service"),
        ("http://h/___", "service"),
    ],
)
def test_the_name_comes_from_the_path(url, name):
    assert name_of(url) == name
