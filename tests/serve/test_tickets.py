from __future__ import annotations

import math

import msgspec

from seatrial.serve.doors.door import Response
from seatrial.serve.tickets import BYTES_MAX, KEPT_S, WAIT_MAX_S, Tickets


def told(ticket, now_s):
    response, _ = ticket.told(now_s)
    return response, msgspec.json.decode(response.body), dict(response.headers)


def test_a_ticket_says_when_to_ask_again_in_tenths_and_in_whole_seconds():
    ticket = Tickets().open("7", key_id=None, now_s=10.0, eta_s=2.34)
    response, body, headers = told(ticket, 10.0)
    assert (response.status, body["eta_s"], body["ticket"]) == (202, 2.3, "/tickets/7")
    assert (headers[b"retry-after"], headers[b"location"]) == (b"3", b"/tickets/7")
    assert told(ticket, 11.0)[1]["eta_s"] == 1.3


def test_what_is_late_is_told_to_come_at_once():
    ticket = Tickets().open("7", key_id=None, now_s=10.0, eta_s=2.0)
    assert told(ticket, 99.0)[1]["eta_s"] == 0.1


def test_what_is_known_anew_is_told_and_counts_down_where_nothing_is():
    ticket = Tickets().open("7", key_id=None, now_s=10.0, eta_s=2.0)
    known = {11.0: 8.0, 12.0: 5.5, 13.0: math.inf}
    ticket.outlook = known.__getitem__
    assert [told(ticket, now_s)[1]["eta_s"] for now_s in known] == [8.0, 5.5, 4.5]
    ticket.send(Response(200, [], b"{}"), [])
    assert ticket.outlook is None


def test_an_answer_is_told_as_it_came_again_and_again():
    ticket = Tickets().open("7", key_id=None, now_s=0.0, eta_s=2.0)
    answer = Response(200, [], b"{}")
    ticket.send(answer, [(b"x-request-id", b"7")])
    assert [ticket.told(now_s) for now_s in (1.0, 2.0)] == [(answer, [(b"x-request-id", b"7")])] * 2


def test_there_is_room_again_once_tickets_are_forgotten():
    """In number and in memory."""
    few = Tickets(count_max=1)
    few.open("1", key_id=None, now_s=0.0, eta_s=1.0)
    assert few.full(WAIT_MAX_S)
    assert not few.full(WAIT_MAX_S + KEPT_S)
    large = Tickets()
    large.open("1", key_id=None, now_s=0.0, eta_s=1.0).send(Response(200, [], b"x" * BYTES_MAX), [])
    assert large.full(1.0)
    assert not large.full(WAIT_MAX_S + KEPT_S)
