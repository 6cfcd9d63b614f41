import msgspec
import pytest

from seatrial.evidence.machine import describe
from seatrial.releases.profile import ReleaseProfile, keep, machine_digest, recall
from seatrial.schedule.profile import BatchProfile, Bend

HOLDS_FOR = {"release": "m@1", "variant": "original", "machine": "here"}
PROFILE = ReleaseProfile(
    **HOLDS_FOR,
    cost=BatchProfile(call_s=1e-3, padded_bends=(Bend(300.0, 1e-5),), noise=(0.9, 1.1)),
    workers=2,
    crowding=(1.0, 0.9),
)


def test_what_was_kept_is_recalled(tmp_path):
    path = keep(tmp_path, PROFILE)
    assert path == tmp_path / ".seatrial" / "control" / "profile.json"
    assert recall(tmp_path, **HOLDS_FOR) == PROFILE


@pytest.mark.parametrize("name", ["release", "variant", "machine"])
def test_a_profile_of_something_else_is_passed_over(tmp_path, name):
    keep(tmp_path, PROFILE)
    assert recall(tmp_path, **{**HOLDS_FOR, name: "another"}) is None


def test_the_newest_takes_the_place_of_the_last(tmp_path):
    keep(tmp_path, PROFILE)
    newer = msgspec.structs.replace(PROFILE, workers=1)
    keep(tmp_path, newer)
    assert recall(tmp_path, **HOLDS_FOR) == newer
    assert [path.name for path in (tmp_path / ".seatrial/control").iterdir()] == ["profile.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"release": 1}', b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_none(tmp_path, content):
    keep(tmp_path, PROFILE).write_bytes(content)
    assert recall(tmp_path, **HOLDS_FOR) is None


def test_where_there_is_no_file_there_is_no_profile(tmp_path):
    assert recall(tmp_path, **HOLDS_FOR) is None


def test_another_schema_is_passed_over(tmp_path):
    keep(tmp_path, msgspec.structs.replace(PROFILE, schema=99))
    assert recall(tmp_path, **HOLDS_FOR) is None


def test_the_same_machine_has_the_same_digest_and_another_library_another():
    machine = describe()
    newer = msgspec.structs.replace(machine, versions={**machine.versions, "numpy": "99"})
    assert machine_digest(machine) == machine_digest(describe())
    assert machine_digest(machine) != machine_digest(newer)
