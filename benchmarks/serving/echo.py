"""The yardsticks: a FastAPI route with a typed body of the same 14 columns that gives it back, and a bare GET."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    """One row of the table."""

    number_0: float | None = None
    number_1: float | None = None
    number_2: float | None = None
    number_3: float | None = None
    number_4: float | None = None
    number_5: float | None = None
    number_6: float | None = None
    number_7: float | None = None
    category_0: str | None = None
    category_1: str | None = None
    category_2: str | None = None
    category_3: str | None = None
    category_4: str | None = None
    category_5: str | None = None


app = FastAPI()


@app.get("/")
async def ready() -> dict[str, str]:
    """Answer that it runs."""
    return {"status": "ready"}


@app.post("/predict")
async def echo(row: Row) -> Row:
    """Give the row back."""
    return row
