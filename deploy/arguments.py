"""The arguments that several commands share, each with its help, and what they come to for a run of mere data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from deploy.commands.adhoc import Options

Runner = Literal["threads", "processes", "dask"]
Artifacts = Annotated[Path, typer.Option(envvar="PENSTOCK_ARTIFACTS", help="Where runs publish and the service reads.")]
Sources = Annotated[list[str], typer.Argument(metavar="SPEC.yaml | SOURCE...", help="A spec, or data to start from.")]
NoHeader = Annotated[bool, typer.Option("--no-header", help="The first line is data already.")]
Names = Annotated[str | None, typer.Option(help="Column names, separated by commas or blanks (means --no-header).")]
TableName = Annotated[str | None, typer.Option("--table", help="The table of a database, the sheet of a workbook.")]
Query = Annotated[str | None, typer.Option("--query", help="What to ask a database instead of for a table.")]
Read = Annotated[
    list[str] | None,
    typer.Option(
        "--read", metavar="KEY=VALUE", help="How sources are read, such as member='*.csv' or records=data.items."
    ),
]
Union = Annotated[bool, typer.Option("--union", help="Stack the sources.")]
Tables = Annotated[bool, typer.Option("--tables", help="The first source is the base, the others are joins.")]
Task = Annotated[str, typer.Option(help="auto, binary, multiclass, regression or forecast.")]
ModelName = Annotated[str | None, typer.Option("--name", help="The model's name; by default after the file.")]
Model = Annotated[str, typer.Argument(metavar="NAME", help="The model.")]
AcceptChange = Annotated[
    str | None,
    typer.Option("--accept-schema-change", metavar="REASON", help="Publish though callers have to change; why."),
]


def options_from(
    target: str,
    name: str | None,
    task: str,
    no_header: bool,
    names: str | None,
    table: str | None,
    query: str | None,
    read: list[str] | None,
    union: bool,
    tables: bool,
) -> Options:
    """Return what is known of data that no spec describes."""
    from deploy.commands.adhoc import Options, keys_of

    given = tuple(w for w in (names or "").replace(",", " ").split() if w)
    arrange = "union" if union else "tables" if tables else "auto"
    return Options(
        target=target,
        name=name,
        task=task,
        header=not (no_header or given),
        names=given,
        table=table,
        query=query,
        read=keys_of(read or ()),
        arrange=arrange,
    )
