"""Settings: one table, three sources, frozen."""

import msgspec
import pytest

from seatrial.core import settings
from seatrial.core.errors import SettingsError

LEAST = {"model": {"load": "model:load"}}


def parse(document, **kwargs):
    return settings.parse(document, environment=kwargs.pop("environment", {}), **kwargs)


def test_every_key_has_a_default_but_the_source_of_the_model():
    read = parse(LEAST)
    assert read.model.adapter == "load"
    assert read.model.location == "model:load"
    assert read.serving.batch_max == 64


def test_no_budget_is_set_unless_the_user_sets_it():
    budget = parse(LEAST).budget
    assert all(value is None for value in msgspec.structs.asdict(budget).values())


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"modle": {}}, 'Did you mean "model"'),
        ({**LEAST, "budget": {"p99": 3}}, 'Did you mean "p99_ms"'),
        ({"model": {"laod": "m:l"}}, 'Did you mean "load"'),
        ({**LEAST, "budget": {"p99_ms": "fast"}}, "budget.p99_ms"),
        ({**LEAST, "budget": {"p99_ms": -1}}, "budget.p99_ms"),
        ({**LEAST, "serving": {"workers": 0}}, "serving.workers"),
        ({**LEAST, "serving": 3}, r"\[serving\]"),
        ({"model": {}}, "exactly one of"),
        ({"model": {"load": "m:l", "onnx": "m.onnx"}}, "names 2 sources"),
        ({"model": {"load": 3}}, "accepted is text"),
        ({"model": {"load": "m:l", "name": "Not A Name"}}, "model.name"),
        ({"model": {"load": "m:l", "input": "sound"}}, "model.input"),
        ({"model": {"load": "m:l", "adapter": "load"}}, "unknown key"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong_and_what_to_do(document, says):
    with pytest.raises(SettingsError, match=says):
        parse(document)


def test_the_environment_overrides_the_file_and_flags_override_both():
    document = {**LEAST, "serving": {"workers": 1}}
    environment = {"SEATRIAL_SERVING__WORKERS": "2"}
    assert parse(document).serving.workers == 1
    assert parse(document, environment=environment).serving.workers == 2
    flags = {"serving.workers": 3}
    assert parse(document, environment=environment, flags=flags).serving.workers == 3


def test_flags_that_were_not_given_change_nothing():
    assert parse(LEAST, flags={"serving.workers": None}).serving.workers == "auto"


def test_environment_values_have_the_type_of_their_setting():
    environment = {
        "SEATRIAL_BUDGET__P99_MS": "12.5",
        "SEATRIAL_PRODUCTION__SLICES": '["language"]',
        "SEATRIAL_MODEL__NAME": "007",
        "SEATRIAL_SERVING__LOG_INPUTS": "false",
    }
    read = parse(LEAST, environment=environment)
    assert read.budget.p99_ms == 12.5
    assert read.production.slices == ["language"]
    assert read.model.name == "007"
    assert read.serving.log_inputs is False


def test_an_unknown_environment_name_is_an_error_too():
    with pytest.raises(SettingsError, match="p99"):
        parse(LEAST, environment={"SEATRIAL_BUDGET__P99": "3"})


def test_variables_without_a_section_are_not_settings():
    assert parse(LEAST, environment={"SEATRIAL_DATA": "/data"}) == parse(LEAST)


def test_settings_cannot_be_changed_after_they_were_read():
    with pytest.raises(AttributeError):
        parse(LEAST).serving.workers = 4


def test_a_folder_without_a_file_says_how_to_make_one(tmp_path):
    with pytest.raises(SettingsError, match="seatrial init"):
        settings.load(tmp_path)


def test_a_file_that_is_not_toml_names_the_line(tmp_path):
    (tmp_path / "seatrial.toml").write_text("[model\n")
    with pytest.raises(SettingsError, match="line 1"):
        settings.load(tmp_path, environment={})


def test_a_file_is_read(tmp_path):
    (tmp_path / "seatrial.toml").write_text('[model]\nonnx = "model.onnx"\n')
    assert settings.load(tmp_path, environment={}).model.adapter == "onnx"


def test_every_setting_is_described_and_has_an_environment_name():
    rows = list(settings.table())
    assert len({row.environment for row in rows}) == len(rows)
    for row in rows:
        assert row.description, row
        assert row.type, row
