# A notebook as a plain Python file: it diffs, runs and is tested. Open it in VS Code or Jupytext, or
# write an .ipynb with `python tools/notebook.py examples/notebook.py`.

# %% [markdown]
# # From a notebook to production
#
# A text classifier looks good on its eval set. Will it be as good for users? Train it, try it, see
# where the points go, and serve it.

# %%
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import seatrial

TICKETS = next(path for path in map(Path, ("tickets", "examples/tickets")) if path.is_dir())


def rows(name):
    lines = (TICKETS / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def column(rows, name):
    return [row[name] for row in rows]


# %% [markdown]
# ## Train
#
# Word and word-pair frequencies with a linear classifier, on 600 customer messages.

# %%
train, held_out = rows("train.jsonl"), rows("eval.jsonl")
model = make_pipeline(
    TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
).fit(column(train, "text"), column(train, "label"))

f"{model.score(column(held_out, 'text'), column(held_out, 'label')):.1%} right on eval"

# %% [markdown]
# ## Try
#
# The trial puts the model on a real server, asks it what users really sent, and judges the
# checklist from what it measured. `only` and `time_budget_s` keep this page quick; leave them out
# to try all 24 items, and for more certainty. The last value of the cell is the report.

# %%
sent = rows("production.jsonl")[:400]

trial = seatrial.trial(
    model,
    column(held_out, "text"),
    column(held_out, "label"),
    production=(column(sent, "text"), column(sent, "label")),
    slices={"language": column(sent, "language"), "form": column(sent, "form")},
    name="tickets",
    only="batch-profile,latency-budget,production-sample,production-evaluation,confidence",
    settings={
        "trial": {"time_budget_s": 10},
        "serving": {"workers": 1},
        "budget": {"p99_ms": 200, "gap_points": 5, "calibration_error": 0.05},
    },
)
trial

# %% [markdown]
# ## Where the points went
#
# Solid bars were undone and scored again, lighter ones only go along with the loss. The steps sum
# to the drop exactly; what no factor explains is the remainder.

# %%
trial.waterfall

# %% [markdown]
# The same as data: accuracies are fractions, points are per cent of all requests.

# %%
gap = trial.gap
print(f"eval {gap.eval.accuracy:.1%}, production {gap.production.accuracy:.1%}")
for step in sorted(gap.steps, key=lambda step: step.points)[:4]:
    print(f"{step.points:+6.1f}  {step.low:+6.1f} to {step.high:+6.1f}  {step.id} ({step.kind})")

# %% [markdown]
# Each item of the checklist says what was measured. What was not measured is never a pass.

# %%
for item in trial.items.values():
    if item.status in {"fail", "warn", "pass"}:
        print(f"{item.status:5} {item.id}: {item.figure}")

# %% [markdown]
# ## Serve
#
# One line keeps the folder that the command line and the server take.

# %%
workplace = tempfile.TemporaryDirectory()
saved = trial.save(Path(workplace.name) / "tickets")
sorted(path.name for path in saved.iterdir())

# %% [markdown]
# In a terminal it is `seatrial serve tickets`. From here the server is started, asked and stopped.

# %%
server = subprocess.Popen(
    [sys.executable, "-m", "seatrial", "serve", saved, "--port", "0", "--json"],
    stdout=subprocess.PIPE,
)
ready = json.loads(server.stdout.readline())


def ask(text):
    body = json.dumps({"inputs": [text]}).encode()
    request = urllib.request.Request(
        f"{ready['url']}/predict", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["results"][0]


ask("The courier left my parcel at the wrong house.")

# %%
server.terminate()
server.wait(timeout=30)
server.stdout.close()
workplace.cleanup()
