"""The least that FastAPI can do with a JSON row: the yardstick beside the service."""

from __future__ import annotations

from typing import Any

from fastapi import Body, FastAPI

app = FastAPI()


@app.get("/")
async def ready() -> dict[str, str]:
    """Answer that it runs."""
    return {"status": "ready"}


@app.post("/predict")
async def echo(row: dict[str, Any] = Body()) -> dict[str, Any]:
    """Give the row back."""
    return row
