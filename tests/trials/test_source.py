"""Functions of a notebook, written as files."""

import collections
import concurrent.futures
import functools
import math
import re
import runpy
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from seatrial.core.errors import UntrustedCodeError
from seatrial.trials.source import Writer

WORDS = {"good": 1, "bad": 0}
WORD = re.compile("[a-z]+", re.IGNORECASE)
COUNTS = collections.Counter("aab")
STOP = frozenset({"the"})
TABLE = np.arange(4.0)
SCALE = np.float64(2.5)
MATRIX = sparse.eye(3).tocsr()
MODEL = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])


def helper(text):
    return math.floor(len(text) / 2)


def from_words(texts):
    return [WORDS.get(text, helper(text)) for text in texts]


def from_array(rows):
    return [float(TABLE[row]) for row in rows]


def from_estimator(rows):
    return MODEL.predict(np.array(rows).reshape(-1, 1)).tolist()


def from_harmless_values(texts):
    found = [word for text in texts for word in WORD.findall(text) if word not in STOP]
    return [COUNTS[word] * float(SCALE) + MATRIX.sum() for word in found]


def from_submodule(rows):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return list(pool.map(abs, rows))


def with_default(rows, scale=SCALE, *, words=WORDS):
    return [row * scale + len(words) for row in rows]


def with_annotations(rows: "list[collections.abc.Sized]") -> np.ndarray:
    return [len(row) for row in rows]


def doubled(function):
    @functools.wraps(function)
    def wrapper(rows):
        return [2 * value for value in function(rows)]

    return wrapper


@doubled
def decorated(rows):
    return rows


def load(rows):
    return [row + 1 for row in rows]


def attribute_named_like_a_global(rows):
    return [row.SOCKET for row in rows]


SOCKET = object()


def written(function, folder):
    writer = Writer(folder)
    name = writer.add(function)
    path = folder / "model.py"
    path.write_text(writer.text(returned=name))
    return runpy.run_path(str(path))[writer.loader]()


def test_a_function_takes_its_helpers_imports_and_constants_along(tmp_path):
    function = written(from_words, tmp_path)
    assert function(["good", "bad", "other"]) == [1, 0, 2]
    assert function is not from_words


def test_arrays_travel_as_data(tmp_path):
    assert written(from_array, tmp_path)([3, 0]) == [3.0, 0.0]
    assert (tmp_path / "TABLE.npy").is_file()


def test_fitted_estimators_travel_as_skops(tmp_path):
    assert written(from_estimator, tmp_path)([0.0, 1.0]) == ["no", "yes"]
    assert (tmp_path / "MODEL.skops").is_file()


def test_patterns_counters_sets_and_sparse_matrices_are_data_too(tmp_path):
    assert written(from_harmless_values, tmp_path)(["the", "a A"]) == [8.0, 3.0]


def test_a_module_reached_through_its_package_is_imported_by_its_full_name(tmp_path):
    assert written(from_submodule, tmp_path)([-1]) == [1]
    assert "import concurrent.futures" in (tmp_path / "model.py").read_text()


def test_what_defaults_and_decorators_need_travels_too(tmp_path):
    assert written(with_default, tmp_path)([2]) == [7.0]
    assert written(decorated, tmp_path)([2]) == [4]


def test_annotations_need_nothing(tmp_path):
    assert written(with_annotations, tmp_path)([[1], []]) == [1, 0]


def test_a_function_named_like_the_loader_keeps_its_name(tmp_path):
    assert written(load, tmp_path)([1]) == [2]


def test_an_attribute_is_no_global_of_the_same_name(tmp_path):
    written(attribute_named_like_a_global, tmp_path)
    assert "SOCKET =" not in (tmp_path / "model.py").read_text()


def test_closures_travel_by_value(tmp_path):
    def outer(threshold):
        def inner(rows):
            return [row > threshold for row in rows]

        return inner

    assert written(outer(2), tmp_path)([1, 3]) == [False, True]


def test_what_is_no_data_is_named_and_needs_trust(tmp_path):
    connection = object()

    def predict(rows):
        return [connection for _ in rows]

    with pytest.raises(UntrustedCodeError, match="connection is a object") as caught:
        Writer(tmp_path).add(predict)
    assert "trust=" in caught.value.hint


def test_a_lambda_has_no_source_of_its_own(tmp_path):
    with pytest.raises(UntrustedCodeError, match="cannot be found"):
        Writer(tmp_path).add(lambda rows: rows)


def test_one_name_with_two_meanings_is_refused(tmp_path):
    def make(threshold):
        def inner(rows):
            return [row > threshold for row in rows]

        return inner

    def threshold(rows):
        return rows

    low = make(1)

    def predict(rows):
        return low(threshold(rows))

    with pytest.raises(UntrustedCodeError, match="threshold means two different things"):
        Writer(tmp_path).add(predict)


PROJECT = {
    "words.py": "import shared.sizes\n\ndef size(text):\n    return shared.sizes.half(len(text))\n",
    "shared/__init__.py": "",
    "shared/sizes.py": "import math\n\n\ndef half(size):\n    return math.floor(size / 2)\n",
    "locked.py": (
        "import threading\n\nLOCK = threading.Lock()\n\n\n"
        "def predict(rows):\n    with LOCK:\n        return [len(row) for row in rows]\n"
    ),
    "notebook.py": """
        import sys
        from pathlib import Path

        import words
        from locked import predict as measure
        from seatrial.trials.source import Writer


        def predict(texts):
            import shared.sizes

            return [words.size(text) + shared.sizes.half(2) for text in texts]


        for name, function in (("one", predict), ("two", measure)):
            writer = Writer(Path(name))
            returned = writer.add(function)
            Path(name, "model.py").write_text(writer.text(returned=returned))
    """,
}


@pytest.fixture
def beside(tmp_path):
    """A notebook with modules beside it, after it has run."""
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    subprocess.run([sys.executable, "notebook.py"], cwd=tmp_path, check=True, timeout=120)
    return tmp_path


def asked(folder, inputs):
    program = f"from model import load; print(load()({inputs!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


def test_modules_beside_the_notebook_are_copied_with_what_they_import(beside):
    assert asked(beside / "one", ["four", "x"]) == "[3, 1]"
    assert (beside / "one" / "shared" / "sizes.py").is_file()


def test_a_function_that_needs_its_module_is_imported_from_a_copy(beside):
    assert asked(beside / "two", ["abc"]) == "[3]"
    assert "from locked import predict" in (beside / "two" / "model.py").read_text()
