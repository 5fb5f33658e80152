"""A secret of a spec is filled in where it is used, and is found nowhere else afterwards."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from penstock.errors import SpecError
from penstock.spec.reading import write_yaml
from tests.integration import small
from tests.unit.sources.local_web import Asked, Reply, site

PLANTED = "hunter2-is-planted-here"


def rows_for_who_knows(asked: Asked) -> Reply:
    """Answer rows, two pages of them, to whoever shows the token."""
    if asked.headers.get("authorization") != f"Bearer {PLANTED}":
        return Reply(401)
    page = int(asked.params.get("page", "1"))
    found = small.rows()[(page - 1) * 100 : page * 100]
    return Reply(body=json.dumps({"data": found}).encode(), headers={"content-type": "application/json"})


def everything_below(folder: Path) -> list[tuple[Path, bytes]]:
    """Return every file with its bytes."""
    return [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("way", ["secret", "env"])
def test_a_planted_secret_reaches_the_api_and_nothing_else(prefect_api, tmp_path, monkeypatch, capfd, way):
    """Through a whole run: no receipt, log, report, artifact, note or row of Prefect's database holds it."""
    from prefect.blocks.system import Secret

    from flows.train import train

    if way == "secret":
        Secret(value=PLANTED).save("shop-token", overwrite=True)
        token = "${secret:shop-token}"
    else:
        monkeypatch.setenv("SHOP_TOKEN", PLANTED)
        token = "${env:SHOP_TOKEN}"
    with site(rows_for_who_knows) as shop:
        spec = {
            "name": f"shop-{way}",
            "source": {
                "url": f"{shop.url}/orders",
                "records": "data",
                "paginate": {"kind": "page", "size": 100},
                "access": {"bearer": token},
            },
            "target": "label",
            "model": {"families": ["linear"], "trials": 1},
        }
        path = tmp_path / "shop.yaml"
        path.write_text(write_yaml(spec))
        summary = train(str(path), artifacts=str(tmp_path / "artifacts"))
    assert summary.state == "published"
    assert summary.n_train + summary.n_heldout == 160
    holding = [found for found, data in everything_below(tmp_path) if PLANTED.encode() in data]
    assert holding == []
    said = capfd.readouterr()
    assert PLANTED not in said.out + said.err
    with sqlite3.connect(Path(os.environ["PREFECT_HOME"]) / "prefect.db") as database:
        told = "\n".join(database.iterdump())
    database.close()
    assert f"shop-{way}" in told, "this is the database of the run"
    assert PLANTED not in told


def test_a_secret_that_prefect_does_not_have_is_told_by_name(prefect_api, tmp_path):
    """With where to make one."""
    from flows.train import train

    spec = {"source": {"url": "https://shop.invalid/api", "access": {"bearer": "${secret:none}"}}, "target": "y"}
    path = tmp_path / "shop.yaml"
    path.write_text(write_yaml(spec))
    with pytest.raises(SpecError, match="no secret 'none'") as caught:
        train(str(path), artifacts=str(tmp_path / "artifacts"))
    assert "Blocks" in caught.value.todo
