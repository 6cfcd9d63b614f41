import numpy as np
import pytest
import skops.io
from sklearn.datasets import make_regression
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seatrial.core.errors import ModelLoadError, UnknownNameError
from seatrial.core.settings import parse
from seatrial.measure.variants.conversion import split, to_float
from seatrial.models.variant import (
    MANIFEST,
    MODEL,
    Manifest,
    kept_variants,
    open_variant,
    size_bytes,
    source_digest,
    variants_folder,
    write_variant,
)

FEATURES, TARGET = make_regression(60, 4, random_state=0)
FITTED = make_pipeline(StandardScaler(), Ridge()).fit(FEATURES, TARGET)
NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def settings(tmp_path):
    skops.io.dump(FITTED, tmp_path / "model.skops")
    document = {
        "model": {"sklearn": "model.skops", "input": "record", "task": "regression"},
        "eval": {"input": NAMES},
    }
    return parse(document, environment={})


def write(folder, settings):
    preprocessing, core = split(FITTED)
    manifest = Manifest(
        name="small",
        source=source_digest(settings, folder),
        input="record",
        order=NAMES,
        prepared=True,
        classes=None,
        scored=False,
        files={},
    )
    content = skops.io.dumps(preprocessing)
    write_variant(folder, manifest, model=to_float(core), preprocessing=content)


def test_a_kept_variant_answers_records_as_the_original_does(tmp_path, settings):
    write(tmp_path, settings)
    records = [dict(zip(NAMES, row, strict=True)) for row in FEATURES[:5].tolist()]
    answers = open_variant(tmp_path, "small", settings=settings).answer(records).answers
    expected = FITTED.predict(FEATURES[:5])
    assert np.allclose([answer.output for answer in answers], expected, rtol=1e-4)


def test_it_is_listed_with_its_size(tmp_path, settings):
    assert kept_variants(tmp_path) == []
    write(tmp_path, settings)
    assert kept_variants(tmp_path) == ["small"]
    place = variants_folder(tmp_path) / "small"
    size = sum(path.stat().st_size for path in place.iterdir() if path.name != MANIFEST)
    assert size_bytes(tmp_path, "small") == size


def test_an_unknown_one_names_the_known(tmp_path, settings):
    write(tmp_path, settings)
    with pytest.raises(UnknownNameError, match="original, small"):
        open_variant(tmp_path, "smal", settings=settings)


def test_a_variant_of_another_model_is_refused(tmp_path, settings):
    write(tmp_path, settings)
    skops.io.dump(Ridge().fit(FEATURES, TARGET), tmp_path / "model.skops")
    with pytest.raises(ModelLoadError, match="made from another version of the model"):
        open_variant(tmp_path, "small", settings=settings)


def test_choosing_the_variant_does_not_make_it_another_model(tmp_path, settings):
    write(tmp_path, settings)
    document = {
        "model": {"sklearn": "model.skops", "input": "record", "task": "regression"},
        "eval": {"input": NAMES},
        "serving": {"variant": "small"},
    }
    assert open_variant(tmp_path, "small", settings=parse(document, environment={}))


@pytest.mark.parametrize("damage", [b"", b"something else"])
def test_a_changed_file_is_refused(tmp_path, settings, damage):
    write(tmp_path, settings)
    (variants_folder(tmp_path) / "small" / MODEL).write_bytes(damage)
    with pytest.raises(ModelLoadError, match="not the file that the variant small was made with"):
        open_variant(tmp_path, "small", settings=settings)


def test_a_damaged_manifest_is_refused(tmp_path, settings):
    write(tmp_path, settings)
    (variants_folder(tmp_path) / "small" / MANIFEST).write_text("{")
    with pytest.raises(ModelLoadError, match="is unreadable"):
        open_variant(tmp_path, "small", settings=settings)


def test_a_half_written_variant_is_not_there(tmp_path, settings):
    write(tmp_path, settings)
    (variants_folder(tmp_path) / "small" / MANIFEST).unlink()
    assert kept_variants(tmp_path) == []
