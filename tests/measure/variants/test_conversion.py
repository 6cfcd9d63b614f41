import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from seatrial.core.errors import NotConvertibleError
from seatrial.measure.variants.conversion import split, to_float, to_int8

FEATURES, CLASSES = make_classification(120, 8, random_state=0)


@pytest.fixture(scope="module")
def network():
    return MLPClassifier((16,), max_iter=30, tol=1.0, random_state=0).fit(FEATURES, CLASSES)


def run(model, features):
    import onnxruntime

    session = onnxruntime.InferenceSession(model)
    return session.run(None, {"features": features.astype(np.float32)})


def test_a_pipeline_is_split_into_preprocessing_and_estimator():
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(FEATURES, CLASSES)
    preprocessing, core = split(fitted)
    assert isinstance(core, LogisticRegression)
    assert preprocessing.transform(FEATURES).shape == FEATURES.shape


def test_an_estimator_alone_has_no_preprocessing():
    fitted = LogisticRegression().fit(FEATURES, CLASSES)
    assert split(fitted) == (None, fitted)


def test_a_search_stands_for_the_best_it_found():
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(FEATURES, CLASSES)
    assert split(search)[1] is search.best_estimator_


def test_the_converted_estimator_gives_the_same_probabilities(network):
    probabilities = run(to_float(network), FEATURES)[1]
    assert np.abs(probabilities - network.predict_proba(FEATURES)).max() < 1e-5


def test_the_quantised_one_nearly_the_same(network):
    probabilities = run(to_int8(to_float(network)), FEATURES)[1]
    assert 0 < np.abs(probabilities - network.predict_proba(FEATURES)).max() < 0.1


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(3)])
def test_a_file_without_8_bit_operators_is_no_int8_variant(estimator):
    model = to_float(estimator.fit(FEATURES, CLASSES))
    with pytest.raises(NotConvertibleError, match="nothing in it has an 8-bit form: it holds"):
        to_int8(model)


def test_a_classifier_without_probabilities_can_be_converted():
    labels = run(to_float(LinearSVC().fit(FEATURES, CLASSES)), FEATURES)[0]
    assert set(labels) <= {0, 1}


def test_an_estimator_that_nobody_can_convert_says_so():
    class Own:
        n_features_in_ = 3

    with pytest.raises(NotConvertibleError, match="Own cannot be converted"):
        to_float(Own())
    with pytest.raises(NotConvertibleError, match="how many features"):
        to_float(object())
