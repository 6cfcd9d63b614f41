"""``--also``: a second model of the same service, to find a cache that mixes the two up."""

import json

import pytest

from seatrial.testing.bank.staleness import STALE_CACHE
from seatrial.testing.service import serving


@pytest.mark.parametrize("which", ["sick", "healthy"])
def test_a_cache_that_ignores_the_model_fails_the_item_by_url(which, seatrial, tmp_path):
    parameters = STALE_CACHE.draw(0)
    rows = STALE_CACHE.inputs(parameters)
    data = tmp_path / "eval.jsonl"
    with serving(getattr(STALE_CACHE, which)(parameters)) as url:
        labels = ["class-0", "class-1"] * (len(rows) // 2)
        data.write_text(
            "\n".join(
                json.dumps({"x": row, "label": label})
                for row, label in zip(rows, labels, strict=True)
            )
        )
        ended = seatrial(
            "trial", tmp_path, "--url", f"{url}/a", "--also", f"{url}/b", "--data", data,
            "--body", '{"inputs": "$inputs"}', "--answer", '{"results": "$outputs"}',
            "--only", "cache-invalidation", "--json", "--quiet",
        )  # fmt: skip
    assert ended.status == (1 if which == "sick" else 0), ended.err
    (failure,) = ended.document["failures"]
    assert (failure["id"], failure["found"]) == ("stale-cache", which == "sick")
    assert ended.document["items"][0]["status"] == ("fail" if which == "sick" else "unmeasured")
