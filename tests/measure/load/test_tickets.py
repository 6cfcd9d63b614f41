import pytest

from seatrial.measure.load.tickets import (
    Ticket,
    TicketBook,
    TicketOutcome,
    kept_promise,
    read_ticket,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"ticket": "a/b", "eta_s": 1.5}', Ticket("/tickets/a%2Fb", 1.5)),
        (b'{"ticket": {"id": 7, "eta_s": 2}}', Ticket("/tickets/7", 2.0)),
        (b'{"ticket": "x", "eta_s": "soon"}', Ticket("/tickets/x", None)),
        (b'{"ticket": "x", "eta_s": -1}', Ticket("/tickets/x", None)),
        (b'{"id": "7", "ticket": "/tickets/7", "eta_s": 3}', Ticket("/tickets/7", 3.0)),
        (b'{"ticket": "//elsewhere"}', Ticket("/tickets/%2F%2Felsewhere", None)),
        (b'{"ticket": null}', None),
        (b"[1, 2]", None),
        (b"not json", None),
        (b"", None),
    ],
)
def test_a_ticket_is_read_or_there_is_none(body, expected):
    assert read_ticket(body) == expected


def test_the_location_says_where_to_ask_and_retry_after_when():
    found = read_ticket(b'{"ticket": "x"}', location="/v2/tickets/9", retry_after_s=4.0)
    assert found == Ticket("/v2/tickets/9", 4.0)


@pytest.mark.parametrize("location", ["//elsewhere/x", "http://elsewhere/", "/a b", "/a\r\nX: 1"])
def test_a_ticket_leads_to_no_other_host_and_into_no_header(location):
    assert read_ticket(b"", location=location) is None


def followed(ready_s, *, eta_s=10.0, wait_max_s=100.0):
    book = TicketBook(wait_max_s=wait_max_s)
    book.opened(3, 1.0, Ticket("/tickets/x", eta_s))
    while (wake := book.wake_s()) is not None:
        for request in book.due(wake):
            book.told(request, wake, 200 if wake >= 1.0 + ready_s else 202)
    assert book.finished
    return book.fates[3]


@pytest.mark.parametrize(
    ("ready_s", "seen_s", "looks"),
    [
        (1.0, 4.9, 1),
        (5.1, 10.0, 2),
        (10.0, 10.0, 2),
        (12.0, 12.4, 3),
        (14.9, 14.9, 4),
        (15.1, 17.4, 5),
        (31.0, 32.4, 11),
    ],
)
def test_few_looks_tell_whether_a_promise_was_kept(ready_s, seen_s, looks):
    fate = followed(ready_s)
    waited_s = fate.done_s - fate.opened_s
    assert fate.outcome == TicketOutcome.DELIVERED
    assert waited_s == pytest.approx(seen_s)
    assert fate.looks == looks
    assert kept_promise(10.0, waited_s) is (5.0 <= ready_s <= 15.0)


def test_a_ticket_that_never_comes_is_lost():
    fate = followed(1e9, wait_max_s=30.0)
    assert fate.outcome == TicketOutcome.LOST
    assert fate.done_s == pytest.approx(31.0)


def test_a_ticket_that_is_unknown_or_unreachable_has_failed_or_is_lost():
    book = TicketBook(wait_max_s=10.0)
    for request in (0, 1):
        book.opened(request, 0.0, Ticket("/tickets/x", None))
    assert book.due(0.5) == [0, 1]
    assert book.due(0.6) == []
    book.told(0, 0.7, 404)
    book.told(1, 0.7, 0)
    assert [book.fates[n].outcome for n in (0, 1)] == [TicketOutcome.FAILED, TicketOutcome.LOST]
    assert book.finished


@pytest.mark.parametrize(
    ("eta_s", "waited_s", "kept"),
    [(10, 5, True), (10, 15, True), (10, 15.1, False), (10, 4.9, False), (0.01, 0.06, True)],
)
def test_a_promise_holds_within_half_of_its_time(eta_s, waited_s, kept):
    assert kept_promise(eta_s, waited_s) is kept
