"""A model that takes its process with it (M6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

PURE = "pure = true\n"

WAYS = ("poison segfault", "poison exit", "poison kill")


def outputs(answers):
    return [answer.json["results"][0]["output"] for answer in answers]


def losses(model):
    return model.server.metric("seatrial_worker_losses_total")


@pytest.mark.parametrize("poison", WAYS)
def test_fault_M6_the_mates_of_what_kills_a_pure_model_are_answered(faulty, poison):
    """Each is tried once more, by itself; two deaths later the guilty one is tried no more."""
    model = faulty("--workers", "1", toml=PURE)
    before = model.worker_pids()
    bad, *mates = model.batch(poison, "a", "b", "c")
    assert (bad.status, bad.json["code"], bad.json["retryable"]) == (502, "worker-lost", True)
    assert outputs(mates) == ["A", "B", "C"]
    assert [model.runs(row) for row in (poison, "a", "b", "c")] == [2, 2, 2, 2]
    assert losses(model) == 2
    again = model.server.predict("d", poison)
    assert (again.status, again.json["code"]) == (422, "input-quarantined")
    assert again.json["errors"][0]["pointer"] == "/inputs/1"
    assert model.runs(poison) == 2
    assert model.server.record_of(again, 1)["error"] == "input-quarantined"
    assert [model.server.predict(row).status for row in "abc"] == [200, 200, 200]
    assert set(model.worker_pids()).isdisjoint(before)
    assert losses(model) == 2


def test_fault_M6_where_the_model_is_not_declared_pure_nothing_is_run_twice(faulty):
    """Whoever was in the call gets 502 and may decide; whoever waited is answered."""
    model = faulty("--workers", "1", toml="[serving]\nbatch_max = 4\n")
    answers = model.batch("poison", "a", "b", "c", "waits 1", "waits 2")
    assert [at.status for at in answers] == [502] * 4 + [200] * 2
    assert [model.runs(row) for row in ("poison", "a", "b", "c")] == [1] * 4
    assert outputs(answers[4:]) == ["WAITS 1", "WAITS 2"]
    assert losses(model) == 1


def test_fault_M6_a_batch_of_many_with_one_that_kills_loses_one(faulty):
    model = faulty("--workers", "1", toml=PURE)
    rows = [f"row {number}" for number in range(40)]
    bad, *mates = model.batch("poison", *rows)
    assert bad.status == 502
    assert outputs(mates) == [row.upper() for row in rows]
    assert losses(model) == 2
    assert model.server.predict(*rows).status == 200


def test_fault_M6_two_at_once_are_both_found_and_nobody_else_suffers(faulty):
    model = faulty("--workers", "2", toml=PURE)
    with ThreadPoolExecutor(2) as callers:
        values = ("poison 1", "poison 2")
        assert [at.status for at in callers.map(model.server.predict, values)] == [502, 502]
    assert [model.server.predict(value).status for value in values] == [422, 422]
    assert [model.runs(value) for value in values] == [2, 2]
    assert losses(model) == 4
    assert model.server.predict("a").status == 200


def test_fault_M6_two_in_one_batch_are_both_found(faulty):
    model = faulty("--workers", "1", toml=PURE)
    answers = model.batch("a", "poison 1", "b", "poison 2", "c")
    assert [at.status for at in answers] == [200, 502, 200, 502, 200]
    assert [model.server.predict(f"poison {n}").status for n in (1, 2)] == [422, 422]
    assert losses(model) == 3


@pytest.mark.parametrize("toml", [PURE, ""], ids=["pure", "not-pure"])
def test_fault_M6_the_same_poison_from_many_callers_costs_few_workers(faulty, toml):
    """Those that wait when it is found out are told so, and are not tried one by one."""
    model = faulty("--workers", "1", toml=toml + "[serving]\nbatch_max = 2\n")
    answers = model.batch(*["poison"] * 12, "a", "b", "c")
    told = [at.json.get("code") for at in answers]
    assert set(told[:12]) == {"worker-lost", "input-quarantined"}
    assert told[:12].count("input-quarantined") >= 8
    assert told[12:] == [None] * 3
    assert outputs(answers[12:]) == ["A", "B", "C"]
    assert model.runs("poison") <= 4
    assert losses(model) <= 3


def test_fault_M6_a_worker_killed_from_outside_costs_a_pure_model_nothing(faulty, load):
    """As the kernel does when memory runs out: every caller gets the right answer."""
    model = faulty("--workers", "2", toml=PURE)
    with load(model.server, callers=4) as callers:
        for deaths in (1, 2, 3):
            callers.more()
            psutil.Process(model.worker_pids()[0]).kill()
            model.server.eventually(lambda deaths=deaths: losses(model) == deaths)
        callers.more()
    assert set(callers.statuses) == {200}
    assert callers.lost == []
    model.server.eventually(lambda: len(model.worker_pids()) == 2)


@pytest.mark.parametrize(("toml", "fates"), [(PURE, {200}), ("", {200, 502})], ids=["pure", "not"])
def test_fault_M6_a_worker_that_dies_idle_costs_nobody_an_error_of_ours(faulty, toml, fates):
    """Its death and the next request come to light at one moment."""
    model = faulty("--workers", "1", toml=toml)
    front = psutil.Process(model.server.popen.pid)
    for number in range(3):
        (worker,) = model.worker_pids()
        with model.asking(f"row {number}") as asking:
            front.suspend()
            psutil.Process(worker).kill()
            asking.ask()
            front.resume()
            assert asking.answer().status in fates
        model.server.eventually(lambda: model.server.predict("a").status == 200)
