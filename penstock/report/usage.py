"""How to serve and call a model: the commands that a dossier ends with."""

from __future__ import annotations

import json
import shlex

from penstock.report.facts import DossierFacts

# Longer rows are cut in the command: the service's own page has the whole example.
MOST_FIELDS = 60


def commands(facts: DossierFacts) -> list[tuple[str, str]]:
    """Return titles, and the lines to type, for a dossier's model."""
    where = "" if facts.artifacts in {"", "artifacts"} else f" --artifacts {shlex.quote(facts.artifacts)}"
    told: list[tuple[str, str]] = []
    if facts.state in {"refused", "kept"}:
        reason = " --force REASON" if facts.state == "refused" else ""
        told.append(("Publish it all the same", f"penstock publish {shlex.quote(facts.run_id)}{reason}{where}"))
    fields = dict(list(facts.example.items())[:MOST_FIELDS])
    body = json.dumps(fields, ensure_ascii=False, indent=1).replace("'", "\\u0027")
    url = f"http://127.0.0.1:8000/models/{facts.name}"
    curl = f"curl -s {url}/predict -H 'content-type: application/json' -d '{body}'"
    if len(fields) < len(facts.example):
        curl = f"# {len(facts.example) - len(fields):,} further fields: see {url}\n{curl}"
    source = shlex.quote(f"{facts.artifacts or 'artifacts'}/models/{facts.name}")
    python = (
        "from penstock import Bundle\n"
        f"bundle = Bundle.load({source.strip(chr(39))!r})\n"
        "bundle.predict(frame).to_frame()   # frame: raw rows, as they came to training"
    )
    told += [
        ("Serve", f"penstock serve{where}"),
        ("Ask over HTTP (a made-up row: medians and most frequent values)", curl),
        ("Predict a file", f"penstock predict {facts.name} --input new.csv --output predictions.csv{where}"),
        ("From Python", python),
        ("Check, and go back", f"penstock verify {facts.name}{where}\npenstock rollback {facts.name}{where}"),
    ]
    return told


def again(facts: DossierFacts) -> list[tuple[str, str]]:
    """Return titles, and the lines to type, for making a run once more and comparing it."""
    where = "" if facts.artifacts in {"", "artifacts"} else f" --artifacts {shlex.quote(facts.artifacts)}"
    told = []
    if facts.spec_path:
        told.append(("Run it again", f"penstock run {shlex.quote(facts.spec_path)}{where}"))
    if facts.run_id:
        run = shlex.quote(facts.run_id)
        other = f"penstock diff {run} OTHER_RUN{where}"
        told.append(("Open or compare this run", f"penstock report {run} --open{where}\n{other}"))
    return told
