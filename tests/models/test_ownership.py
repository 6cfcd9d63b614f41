"""Only the model's own code is watched line by line."""

import json
import sys

import numpy as np
import pytest
import sklearn.utils

from seatrial.models import estimator, ownership
from seatrial.testing import models


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (__file__, "own"),
        (models.__file__, "own"),
        ("/home/ada/project/model.py", "own"),
        ("<ipython-input-3-abc>", "own"),
        (estimator.__file__, "seatrial"),
        (json.__file__, "library"),
        (sklearn.utils.__file__, "library"),
        ("<frozen importlib._bootstrap>", "library"),
        (sys.modules["concurrent.futures._base"].__file__, "driver"),
    ],
)
def test_code_belongs_to_the_model_a_library_or_us(file, kind):
    assert ownership._kind(file) == kind


def frame_inside(call):
    """Return the frame of a function that ``call`` is made to call."""
    found = []
    call(lambda *_: found.append(sys._getframe().f_back) or 0)
    return found[0]


def test_a_driver_is_watched_where_the_models_own_code_called_it():
    driver = frame_inside(lambda f: np.apply_along_axis(f, 1, np.ones((2, 2))))
    assert driver.f_code.co_name == "apply_along_axis"
    assert ownership.is_watched(driver)
    assert ownership.is_library(driver)


def test_a_library_is_not_watched_whoever_called_it():
    decoder = frame_inside(lambda f: json.loads("{}", object_hook=f, cls=Slow))
    assert not ownership.is_watched(decoder)


class Slow(json.JSONDecoder):
    """A decoder in Python, so that there is a library frame above the hook."""

    def __init__(self, **options):
        super().__init__(**options)
        self.scan_once = json.scanner.py_make_scanner(self)
        self.parse_object = json.decoder.JSONObject
