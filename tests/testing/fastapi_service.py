"""A service that somebody wrote by hand around a planted model: ``ID sick|healthy SEED [one]``.

It prints its port and ends when its standard input does. With ``one``, a request carries one input.
"""

import os
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI

from seatrial.models.answers import normalise
from seatrial.testing import bank

name, side, seed, *rest = sys.argv[1:]
failure = next(entry for entry in bank.entries() if entry.id == name)
model = getattr(failure, side)(failure.draw(int(seed)))
predict = getattr(model, "predict", model)
app = FastAPI()


def plain(answer):
    if answer.scores is None:
        return {"label": answer.output}
    return {"label": answer.output, "p": answer.confidence, "by_class": answer.scores}


@app.post("/score")
def score(body: dict):
    rows = [body["row"]] if rest else body["rows"]
    answers = [plain(answer) for answer in normalise(predict(rows), expected=len(rows))]
    return answers[0] if rest else {"answers": answers}


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
sys.stdout.write(f"{listener.getsockname()[1]}\n")
sys.stdout.flush()
threading.Thread(target=end_with_parent, daemon=True).start()
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
