"""A callable has the face of a subject, and user code raises nothing foreign."""

import pytest

from seatrial.core.errors import ModelLoadError, ModelRaisedError, SeatrialError
from seatrial.models.subject import CallableSubject, Subject, natural_size, subject_of
from seatrial.testing.models import ConstantModel, EchoModel


def test_an_object_with_predict_and_a_function_become_subjects():
    assert isinstance(subject_of(EchoModel()), Subject)
    assert subject_of(lambda xs: xs).answer(["a"]).answers[0].output == "a"


def test_a_subject_stays_itself():
    subject = subject_of(EchoModel())
    assert subject_of(subject) is subject


def test_what_cannot_predict_is_refused():
    with pytest.raises(ModelLoadError, match="received int"):
        subject_of(3)


def test_an_empty_batch_never_reaches_the_model():
    def predict(inputs):
        raise AssertionError(inputs)

    assert CallableSubject(predict).answer([]).answers == []


def test_what_the_model_raises_is_named_with_its_type():
    def predict(inputs):
        raise KeyError("no such word")

    with pytest.raises(ModelRaisedError, match="KeyError: 'no such word'") as caught:
        CallableSubject(predict).answer(["a", "b"])
    assert caught.value.details == {"raised": "KeyError", "rows": 2}
    assert isinstance(caught.value.__cause__, KeyError)


def test_our_own_errors_pass_unchanged():
    own = SeatrialError("mine")

    def predict(inputs):
        raise own

    with pytest.raises(SeatrialError) as caught:
        CallableSubject(predict).answer(["a"])
    assert caught.value is own


def test_size_close_and_variants_of_a_model_are_used():
    closed = []

    class Model(EchoModel):
        def size(self, value):
            return len(value) * 10

        def variants(self):
            return {"small": ConstantModel("small")}

        def close(self):
            closed.append(True)

    subject = subject_of(Model())
    assert subject.size("ab") == 20
    assert subject.size("") == 1
    assert subject.variants()["small"].answer(["x"]).answers[0].output == "small"
    subject.close()
    subject.close()
    assert closed == [True]


def test_a_size_that_raises_is_the_models_fault():
    subject = CallableSubject(list, size=lambda value: value.tokens)
    with pytest.raises(ModelRaisedError, match="AttributeError"):
        subject.size("text")


@pytest.mark.parametrize(("value", "size"), [("", 1), ("abc", 3), ([], 1), ({"a": 1}, 1), (5, 1)])
def test_the_natural_size_is_at_least_one(value, size):
    assert natural_size(value) == size
