"""What a team writes by hand: one route, the model called right there or in a thread."""

import os
import sys

from fastapi import FastAPI
from pydantic import BaseModel

sys.path.insert(0, os.environ["BENCH_FOLDER"])
from model import load

model = load()
app = FastAPI()


class Asked(BaseModel):
    input: str


class Answer(BaseModel):
    output: str
    confidence: float


@app.get("/ready")
async def ready() -> str:
    return "yes"


if os.environ["BENCH_MODE"] == "thread":

    @app.post("/predict")
    def predict(asked: Asked) -> Answer:
        return model.predict([asked.input])[0]
else:

    @app.post("/predict")
    async def predict(asked: Asked) -> Answer:
        return model.predict([asked.input])[0]
