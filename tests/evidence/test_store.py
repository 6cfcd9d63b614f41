"""The folder of evidence."""

import msgspec
import pytest

from seatrial.core.errors import DataError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.machine import describe
from seatrial.evidence.store import EvidenceStore


@pytest.fixture
def evidence():
    return Evidence(
        kind="start", release="m@1", machine=describe(), started="2026-01-01", duration_s=0.0
    )


def test_what_was_put_can_be_read(tmp_path, evidence):
    store = EvidenceStore(tmp_path)
    store.put(evidence)
    assert store.get(evidence.id) == evidence
    assert store.ids() == [evidence.id]


def test_the_same_document_twice_is_one_file(tmp_path, evidence):
    store = EvidenceStore(tmp_path)
    assert store.put(evidence) == store.put(evidence)
    assert len(list(store.path.iterdir())) == 1


def test_an_unknown_id_says_how_to_measure(tmp_path):
    with pytest.raises(DataError, match="seatrial trial"):
        EvidenceStore(tmp_path).get("start-000")


def test_a_changed_document_is_refused(tmp_path, evidence):
    store = EvidenceStore(tmp_path)
    path = store.put(evidence)
    path.write_bytes(path.read_bytes().replace(b'"m@1"', b'"m@2"'))
    with pytest.raises(DataError, match="changed after"):
        store.get(evidence.id)


def test_a_document_of_another_schema_is_refused(tmp_path, evidence):
    store = EvidenceStore(tmp_path)
    other = msgspec.structs.replace(evidence, schema=99)
    store.put(other)
    with pytest.raises(DataError, match="schema 99"):
        store.get(other.id)


def test_a_torn_file_is_refused(tmp_path, evidence):
    store = EvidenceStore(tmp_path)
    path = store.put(evidence)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="unreadable"):
        store.get(evidence.id)
