"""A model that raises (M1), answers what is no number (M3), or answers out of shape (M4)."""

from __future__ import annotations

import json

MATES = ["a", "b", "c"]

CACHED = "[serving]\ncache_mib = 8\n"


def outputs(answers):
    return [answer.json["results"][0]["output"] for answer in answers]


def test_fault_M1_only_the_request_with_the_bad_row_fails(faulty, tmp_path):
    """Its batch mates are run again once, one at a time, and answered."""
    with (tmp_path / "said").open("w") as said:
        model = faulty("--workers", "1", stderr=said)
        bad, *mates = model.batch("raise", *MATES)
        assert (bad.status, bad.json["code"], bad.json["retryable"]) == (500, "model-error", False)
        assert [at.status for at in mates] == [200] * 3
        assert outputs(mates) == ["A", "B", "C"]
        assert [inputs for _, _, inputs in model.calls()[1:]] == [
            ["raise", "a", "b", "c"],
            *(["raise"], ["a"], ["b"], ["c"]),
        ]
        for secret in (b"Traceback", b"model.py", b"line "):
            assert secret not in bad.body
        record = model.server.record_of(bad)
        assert (record["status"], record["error"], record["input"]) == (
            "failed",
            "model-error",
            "raise",
        )
        assert model.server.metric('seatrial_rejected_total{model="echo"') == 1
        assert model.server.metric("seatrial_worker_losses_total") == 0
    (event,) = (json.loads(line) for line in (tmp_path / "said").read_text().splitlines())
    assert (event["event"], event["id"]) == ("failed", bad.headers["x-request-id"])
    assert (event["row"], event["raised"]) == (0, "ValueError")
    assert "model.py" in event["message"]


def test_fault_M1_a_request_of_many_rows_is_told_which_one_is_bad(faulty):
    model = faulty("--workers", "1")
    bad, mate = model.batch(["a", "raise", "b"], ["c", "d"])
    assert (bad.status, bad.json["errors"][0]["pointer"]) == (500, "/inputs/1")
    assert [result["output"] for result in mate.json["results"]] == ["C", "D"]


RAISED = ("unprintable", "surrogate", "endless", "exit", "interrupt", "cancelled", "stop", "memory")
NOT_FINITE = ("nan", "deep", "array", "scalar", "confidence", "score")
MISCOUNTED = ("short", "long", "fewer", "one text", "nothing", "drained", "table")
UNFIT = ("object", "text", "number", "scores")


def test_fault_M1_whatever_is_raised_costs_its_own_request_alone(faulty):
    """Exceptions that cannot be printed, sent or caught by most are exceptions all the same."""
    model = faulty("--workers", "1")
    for value in RAISED:
        bad, *mates = model.batch(f"raise {value}", *MATES)
        assert (bad.status, bad.json["code"]) == (500, "model-error"), value
        assert len(bad.body) < 10_000, value
        assert outputs(mates) == ["A", "B", "C"], value
    assert model.server.metric("seatrial_worker_losses_total") == 0


def test_fault_M3_an_answer_that_is_not_finite_fails_its_own_request(faulty):
    """It is counted and not remembered; batch mates are answered, and theirs are."""
    model = faulty("--workers", "1", toml=CACHED)
    for number, value in enumerate(NOT_FINITE):
        mates = [f"{mate} {number}" for mate in MATES]
        bad, *others = model.batch(f"odd {value}", *mates)
        assert (bad.status, bad.json["code"]) == (500, "non-finite-output"), value
        assert outputs(others) == [mate.upper() for mate in mates], value
        ran = model.runs(f"odd {value}")
        assert model.server.predict(f"odd {value}").json["code"] == "non-finite-output", value
        assert model.runs(f"odd {value}") == ran + 1, value
        assert model.server.predict(mates[0]).headers["x-served-by"] == "cache", value
    assert rejected(model, "non-finite-output") == 2 * len(NOT_FINITE)


def test_fault_M4_where_it_is_not_known_whose_answer_is_whose_nobody_gets_one(faulty):
    """The whole batch fails, nothing of it is remembered, and the next call is right."""
    model = faulty("--workers", "1", toml=CACHED)
    for number, value in enumerate(MISCOUNTED):
        mates = [f"{mate} {number}" for mate in MATES]
        answers = model.batch(value, *mates)
        told = [(at.status, at.json.get("code")) for at in answers]
        assert told == [(500, "output-contract")] * 4, value
        again = [model.server.predict(mate) for mate in mates]
        assert outputs(again) == [mate.upper() for mate in mates], value
        assert {at.headers["x-served-by"] for at in again} == {"model"}, value
    assert rejected(model, "output-contract") == 4 * len(MISCOUNTED)
    assert model.server.metric("seatrial_worker_losses_total") == 0


def test_fault_M4_one_answer_that_cannot_be_sent_fails_its_own_request(faulty):
    model = faulty("--workers", "1", toml=CACHED)
    for number, value in enumerate(UNFIT):
        mates = [f"{mate} {number}" for mate in MATES]
        bad, *others = model.batch(f"odd {value}", *mates)
        assert (bad.status, bad.json["code"]) == (500, "output-contract"), value
        assert outputs(others) == [mate.upper() for mate in mates], value
        assert model.server.predict(f"odd {value}").status == 500, value
    assert model.server.metric("seatrial_worker_losses_total") == 0


def rejected(model, reason):
    page = model.server.ask("GET", "/metrics").body.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith("seatrial_rejected_total") and f'reason="{reason}"' in line
    )
