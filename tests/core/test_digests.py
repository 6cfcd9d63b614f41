"""Content addresses."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import digests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_digest_is_the_sha256_of_the_bytes():
    assert digests.of_bytes(b"sea") == hashlib.sha256(b"sea").hexdigest()


def test_a_file_has_the_digest_of_its_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert digests.of_file(path) == digests.of_bytes(path.read_bytes())


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_the_order_of_keys_does_not_matter(document):
    turned = dict(reversed(list(document.items())))
    assert digests.of_document(document) == digests.of_document(turned)


def test_files_are_known_by_name_not_by_place(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text("x = 1\n")
    one = digests.of_files({"model.py": tmp_path / "one" / "model.py"})
    two = digests.of_files({"model.py": tmp_path / "two" / "model.py"})
    other = digests.of_files({"modem.py": tmp_path / "two" / "model.py"})
    assert one == two
    assert one != other


def test_a_changed_byte_changes_the_digest(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    before = digests.of_files({"a": path})
    path.write_text("2")
    assert digests.of_files({"a": path}) != before
