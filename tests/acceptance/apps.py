"""Services as people write them by hand: ``python apps.py NAME`` serves one and prints its URL."""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

BAD = {"late", "broken", "refund"}
SLOW_S = 0.02
POISON = "parcel parcel"


def judged(text: str) -> str:
    return "good" if BAD.isdisjoint(text.split()) else "bad"


class One(BaseModel):
    text: str


class Many(BaseModel):
    texts: list[str]


class Rows(BaseModel):
    inputs: list[Any]


class Customer(BaseModel):
    age: int | None
    spend: float | None
    plan: str | None


class Nested(BaseModel):
    instances: list[dict[str, Any]]
    options: dict[str, Any]


def single() -> FastAPI:
    app = FastAPI()

    @app.post("/classify")
    def classify(asked: One) -> dict[str, Any]:
        return {"label": judged(asked.text), "score": 0.9}

    return app


def lists() -> FastAPI:
    app = FastAPI()

    @app.post("/classify")
    def classify(asked: Many) -> dict[str, Any]:
        return {"labels": [judged(text) for text in asked.texts]}

    return app


def custom() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/run")
    def run(asked: Nested) -> dict[str, Any]:
        if asked.options.get("mode") != "fast":
            raise HTTPException(400, "options.mode is missing")
        found = [judged(one["document"]["body"]) for one in asked.instances]
        return {"data": {"found": [{"verdict": {"name": one, "p": 0.8}} for one in found]}}

    return app


def record() -> FastAPI:
    app = FastAPI()

    @app.post("/score")
    def score(row: Customer) -> dict[str, Any]:
        age = 40 if row.age is None else row.age
        spend = 80 if row.spend is None else row.spend
        return {"prediction": (age < 35 and spend < 90) or (row.plan == "basic" and spend < 60)}

    return app


def oip() -> FastAPI:
    """Open Inference Protocol, and nothing else: any other path is a 418."""
    app = FastAPI()

    @app.get("/v2/models/words")
    def metadata() -> dict[str, Any]:
        tensor = {"name": "text", "datatype": "BYTES", "shape": [-1]}
        return {"name": "words", "inputs": [tensor], "outputs": []}

    @app.post("/v2/models/words/infer")
    def infer(asked: dict[str, Any]) -> dict[str, Any]:
        found = [judged(text) for text in asked["inputs"][0]["data"]]
        tensor = {"name": "label", "datatype": "BYTES", "shape": [len(found)], "data": found}
        return {"model_name": "words", "outputs": [tensor]}

    @app.post("/{path:path}")
    def anything(path: str) -> dict[str, Any]:
        raise HTTPException(418, f"somebody probed {path}")

    return app


def guarded() -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    def predict(asked: Rows, authorization: str = Header("")) -> dict[str, Any]:
        if authorization != "Bearer open-sesame":
            raise HTTPException(401, "who are you?")
        return {"results": [{"output": judged(text)} for text in asked.inputs]}

    return app


def slow() -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    def predict(asked: Rows) -> dict[str, Any]:
        time.sleep(SLOW_S * len(asked.inputs))
        return {"results": [{"output": judged(text)} for text in asked.inputs]}

    return app


def erring() -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    def predict(asked: Rows) -> dict[str, Any]:
        if any(POISON in text for text in asked.inputs):
            raise HTTPException(500, "cannot handle parcels")
        return {"results": [{"output": judged(text)} for text in asked.inputs]}

    return app


def planted(name: str) -> FastAPI:
    """Serve a model of the bank: ``planted:FAILURE:SEED:sick`` or ``…:healthy``."""
    from seatrial.core import plugins
    from seatrial.testing import bank

    _, failure, seed, which = name.split(":")
    bank.register()
    entry = plugins.failures.get(failure)
    predict = getattr(entry, which)(entry.draw(int(seed)))
    app = FastAPI()

    @app.post("/predict")
    def answer(asked: Rows) -> list[Any]:
        found: list[Any] = predict(asked.inputs)
        return found

    return app


APPS = {
    "single": single,
    "lists": lists,
    "custom": custom,
    "record": record,
    "oip": oip,
    "guarded": guarded,
    "slow": slow,
    "erring": erring,
}


def main(name: str) -> None:
    """Serve on a free loopback port until standard input ends."""
    app = planted(name) if name.startswith("planted:") else APPS[name]()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        sys.stdout.write(f"http://127.0.0.1:{bound.getsockname()[1]}\n")
        sys.stdout.flush()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        server.run(sockets=[bound])


if __name__ == "__main__":
    main(sys.argv[1])
