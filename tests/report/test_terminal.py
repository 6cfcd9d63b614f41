import io

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from seatrial.report.terminal import render_evidence, render_gap, render_trial


def printed(render, *, width=80, **console):
    written = io.StringIO()
    render(Console(file=written, width=width, **console))
    return written.getvalue()


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_item_is_shown_with_its_status_in_words_within_the_width(trial, evidences, width):
    text = printed(lambda c: render_trial(trial, evidences, console=c), width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    for item in trial.items:
        assert item.id in text
    assert text.count("? not measured") == 15
    assert text.count("✗ fail") == 3
    for week in (1, 3, 5, 7, 9, 11):
        assert f"Week {week}\n" in text


def test_the_three_answers_end_the_page(trial, evidences):
    text = printed(lambda c: render_trial(trial, evidences, console=c))
    end = words(text[text.index("Can I ship?") :])
    assert end.startswith("Can I ship? No. 3 of 24 items fail, and 15 are not measured.")
    assert "What would break first? batch-dependent-output" in end
    assert end.endswith("seatrial serve examples/tickets")


def test_failures_fixes_gap_slices_and_machine_are_there(trial):
    text = words(printed(lambda c: render_trial(trial, console=c)))
    assert "✗ found batch-dependent-output 14 of 100 answers change at batch 32" in text
    assert "Fix: start with language: -9.1 points" in text
    assert "remainder -1.6 -4.0 to 0.8 9 % remainder no factor explains it" in text
    assert "language de 16.0 % 46.0 % 41.0 to 51.0 160" in text
    assert "AMD EPYC 7763 64-Core Processor, 2 cores, 7.8 GiB, Linux 6.8.0, Python 3.11.9" in text


def test_a_file_gets_no_escape_sequence(trial):
    assert "\x1b" not in printed(lambda c: render_trial(trial, console=c))


def test_no_color_is_honoured_on_a_terminal(trial, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = printed(lambda c: render_trial(trial, console=c), force_terminal=True)
    plain = printed(lambda c: render_trial(trial, console=c), force_terminal=True, no_color=True)
    assert "\x1b[1;31m" in coloured
    assert "31m" not in plain


def test_what_users_wrote_can_neither_colour_the_terminal_nor_act_as_markup(hostile):
    trial, gap, evidences = hostile
    text = printed(lambda c: render_trial(trial, evidences, console=c), width=200)
    text += printed(lambda c: render_gap(gap, console=c), width=200)
    for evidence in evidences:
        text += printed(lambda c, e=evidence: render_evidence(e, console=c), width=200)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "[red]bold[/red]" in text


def test_a_terminal_without_unicode_gets_ascii(trial, hostile):
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    render_trial(trial, console=Console(file=written, width=80))
    render_trial(hostile[0], hostile[2], console=Console(file=written, width=80))
    written.flush()
    assert b"x fail" in written.buffer.getvalue()


def test_an_unknown_production_says_why(unknown_gap):
    text = words(printed(lambda c: render_gap(unknown_gap, console=c)))
    assert "production unknown no production row has a label" in text
    assert "No steps: no production row has a label." in text


def test_a_measurement_shows_figures_tables_and_its_weak_points(evidences):
    for evidence in evidences:
        text = printed(lambda c, e=evidence: render_evidence(e, console=c))
        assert max(cell_len(line) for line in text.splitlines()) <= 80
        assert evidence.id in text
        for line in evidence.criticisms:
            assert f"Weak point: {line}" in text
    assert "needs 10,000 requests" in printed(lambda c: render_evidence(evidences[1], console=c))


def test_an_empty_trial_is_a_page_too(trial):
    empty = msgspec.structs.replace(trial, items=(), failures=(), gap=None, next="")
    text = words(printed(lambda c: render_trial(empty, console=c)))
    assert "Not known. None of 24 items was measured." in text
