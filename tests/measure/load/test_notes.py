from seatrial.measure.load.notes import DEGRADED, LABELS_MAX, OTHERS, SERVED_BY, Notes


def test_equal_headers_are_labels_and_counted():
    notes = Notes()
    for request, value in enumerate((b"m/int8", b"m/original", b"m/int8")):
        notes.keep(request, SERVED_BY, value)
    labels = notes.labels(SERVED_BY, 4)
    assert labels.counts() == {"m/int8": 2, "m/original": 1}
    assert labels.known.tolist() == [True, True, True, False]
    assert labels.since(1).counts() == {"m/original": 1, "m/int8": 1}


def test_an_answer_that_denies_it_is_not_degraded():
    notes = Notes()
    for request, value in enumerate((b"none", b" False ", b"variant", b"")):
        notes.keep(request, DEGRADED, value)
    assert notes.labels(DEGRADED, 4).counts() == {"variant": 1}


def test_what_an_earlier_attempt_was_told_is_forgotten():
    notes = Notes()
    notes.keep(0, SERVED_BY, b"m")
    notes.forget(0)
    assert notes.labels(SERVED_BY, 1).counts() == {}


def test_a_header_that_is_different_every_time_does_not_grow_without_bound():
    notes = Notes()
    for request in range(3 * LABELS_MAX):
        notes.keep(request, SERVED_BY, b"%d" % request)
    counts = notes.labels(SERVED_BY, 3 * LABELS_MAX).counts()
    assert len(counts) == LABELS_MAX + 1
    assert counts[OTHERS] == 2 * LABELS_MAX
