import sys

import pytest


def alone(failure, found):
    """Whether a sick one was named, and nothing beside it."""
    return found == {failure.id}


def walk(failure, twin, seeds, *, judge, named=alone):
    """Return what went wrong, by seed; print how many were told rightly.

    Args:
        failure: The entry.
        twin: ``sick`` or ``healthy``.
        seeds: Which draws of it.
        judge: Takes entry, twin and seed; returns results by the failure's id.
        named: Takes entry and ids found; says whether a sick one was named rightly.
    """
    wrong = {}
    for seed in seeds:
        results = judge(failure, twin, seed)
        found = {name for name, result in results.items() if result.found}
        if not (named(failure, found) if twin == "sick" else not found):
            said = [f"{name}: {results[name].figure}" for name in sorted(found | {failure.id})]
            wrong[f"{seed} ({failure.draw(seed).style})"] = said
    count = len(seeds) - len(wrong)
    sys.stdout.write(f"{failure.id}: {count} of {len(seeds)} {twin} ones told rightly\n")
    return wrong


@pytest.fixture(name="walk")
def the_walk():
    """Walk a bank entry over its seeds: is each sick model named, each healthy one left alone?"""
    return walk
