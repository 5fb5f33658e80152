"""The `penstock` command.

Every command imports what it needs when it is called: `serve`, `predict`, `models`, `verify` and `rollback` work where
Prefect is not installed, and `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import click
import typer

from deploy.arguments import (
    AcceptChange,
    Artifacts,
    Model,
    ModelName,
    Names,
    NoHeader,
    Query,
    Read,
    Runner,
    Sources,
    TableName,
    Tables,
    Task,
    Union,
)
from deploy.arguments import options_from as _options
from deploy.upkeep import upkeep
from penstock.errors import EXIT_INTERRUPTED, EXIT_OTHER, PenstockError

app = typer.Typer(
    name="penstock",
    help="Raw tables in, a proved and live prediction endpoint out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(upkeep)


@app.command()
def run(
    sources: Sources,
    target: Annotated[str | None, typer.Option(help="The column to predict, or its index from 0.")] = None,
    name: ModelName = None,
    artifacts: Artifacts = Path("artifacts"),
    budget: Annotated[
        float | None, typer.Option(help="Seconds for the search; by default what the spec says, else 60.")
    ] = None,
    task: Task = "auto",
    no_header: NoHeader = False,
    names: Names = None,
    table: TableName = None,
    query: Query = None,
    read: Read = None,
    union: Union = False,
    tables: Tables = False,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Keep the candidate; publish nothing.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Enter every stage, whatever is cached.")] = False,
    runner: Annotated[Runner, typer.Option(help="Where stages run that others need not wait for.")] = "threads",
    accept_schema_change: AcceptChange = None,
    as_json: Annotated[bool, typer.Option("--json", help="End stdout with one JSON line.")] = False,
) -> int:
    """Carry raw data through all seven stages, and publish the model if the gate lets it in."""
    from deploy.commands import run as body

    options = _options(target, name, task, no_header, names, table, query, read, union, tables) if target else None
    how = body.How(
        artifacts=artifacts,
        budget=budget,
        publish=not no_publish,
        refresh=refresh,
        runner=runner,
        accept_schema_change=accept_schema_change or "",
        as_json=as_json,
    )
    return body.run(sources, options, name, how)


@app.command()
def init(
    sources: Sources,
    target: Annotated[str, typer.Option(help="The column to predict, or its index from 0.")],
    name: ModelName = None,
    task: Task = "auto",
    no_header: NoHeader = False,
    names: Names = None,
    union: Union = False,
    tables: Tables = False,
    table: TableName = None,
    query: Query = None,
    read: Read = None,
    out: Annotated[Path | None, typer.Option(help="Where the spec goes.")] = None,
) -> int:
    """Look at the data, write a short spec and its lock, and tell what was understood."""
    from deploy.commands.init import init as body

    return body(sources, _options(target, name, task, no_header, names, table, query, read, union, tables), out)


@app.command()
def profile(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Data to look at; several are stacked.")],
    target: Annotated[
        str | None, typer.Option(help="A column, or its index from 0, to look at all others with.")
    ] = None,
    private: Annotated[
        list[str] | None, typer.Option("--private", metavar="COLUMN", help="Tell nothing of it but what is missing.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where the page goes; by default NAME.profile.html.")] = None,
    name: ModelName = None,
    no_header: NoHeader = False,
    names: Names = None,
    table: TableName = None,
    query: Query = None,
    read: Read = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found as one JSON line.")] = False,
) -> int:
    """Look at data without a model, and write one page of its columns, their relations and what is odd about them."""
    from deploy.commands.profile import profile as body

    options = _options(target or "", name, "auto", no_header, names, table, query, read, False, False)
    return body(sources, options, private or [], output, as_json)


@app.command()
def check(spec: Annotated[Path, typer.Argument(metavar="SPEC.yaml")], artifacts: Artifacts = Path("artifacts")) -> int:
    """Read the sources, hold them to the spec's expectations and show the columns after every step; train nothing."""
    from deploy.commands.check import check as body

    return body(spec, artifacts)


@app.command()
def lock(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.yaml")],
    update: Annotated[bool, typer.Option("--update", help="Infer anew where a lock is there already.")] = False,
) -> int:
    """Infer types, roles and plan, and write the lock beside the spec."""
    from deploy.commands.check import lock as body

    return body(spec, update)


@app.command()
def steps(kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Tell all about one.")] = None) -> int:
    """List every step that a plan may hold; with a kind, its settings and an example."""
    from deploy.commands.steps import steps as body

    return body(kind)


@app.command()
def predict(
    name: Model,
    input_: Annotated[Path, typer.Option("--input", help="Rows: csv, parquet, json, jsonl, arrow or xlsx.")],
    output: Annotated[Path, typer.Option("--output", help="Answers, in the same order; format by extension.")],
    artifacts: Artifacts = Path("artifacts"),
    version: Annotated[str | None, typer.Option(help="Another version than the current one.")] = None,
    keep: Annotated[str, typer.Option(help="Input columns to keep: ids, all, or names with commas.")] = "ids",
    history: Annotated[
        Path | None, typer.Option(help="Actual rows up to now, for a model that looks back; format by extension.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say of each row what every column adds.")] = False,
) -> int:
    """Predict a file of raw rows."""
    from deploy.commands.predict import predict as body

    return body(name, input_, output, artifacts, version, keep, history, explain=explain)


@app.command()
def trace(
    called: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run's id, or a model's name.")],
    row: Annotated[int | None, typer.Option(help="The row, counted from 0 as the report does.")] = None,
    line: Annotated[int | None, typer.Option(help="Its line in the file, as rejected.csv has it.")] = None,
    column: Annotated[str | None, typer.Option(help="One column; by default all.")] = None,
    artifacts: Artifacts = Path("artifacts"),
    version: Annotated[str | None, typer.Option(help="Another version of a model than the current one.")] = None,
    show_private: Annotated[bool, typer.Option("--show-private", help="Tell values of private columns.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> int:
    """Follow a row's cells from the source to what the model was given."""
    from deploy.commands.trace import trace as body

    return body(called, artifacts, row, line, column, version, private=show_private, as_json=as_json)


@app.command()
def report(
    called: Annotated[
        str | None, typer.Argument(metavar="[RUN | MODEL | MODEL@VERSION]", help="By default the newest run.")
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[Path | None, typer.Option(help="Write the page here, too.")] = None,
    render: Annotated[bool, typer.Option("--render", help="Make it anew from what the run kept.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> int:
    """Print where the report of a run is, open it, or make it anew."""
    from deploy.commands.report import report as body

    return body(called, artifacts, output, render=render, show=show)


@app.command()
def diff(
    one: Annotated[str, typer.Argument(metavar="RUN | MODEL | MODEL@VERSION", help="What was before.")],
    other: Annotated[
        str | None,
        typer.Argument(metavar="[RUN | MODEL@VERSION]", help="What came after; a model alone: its live version."),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> int:
    """Tell what changed between two runs or versions; of a model alone, between its live version and the one before."""
    from deploy.commands.diff import diff as body

    return body(one, other, artifacts, html, as_json=as_json)


@app.command()
def serve(
    artifacts: Artifacts = Path("artifacts"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> int:
    """Serve every published model over HTTP, and swap versions as they are published."""
    from deploy.serve import serve as body

    return body(artifacts, host, port, workers)


@app.command()
def models(artifacts: Artifacts = Path("artifacts")) -> int:
    """List the published models and their versions."""
    from deploy.commands import models as body

    return body.models(artifacts)


@app.command()
def verify(
    name: Model,
    artifacts: Artifacts = Path("artifacts"),
    version: Annotated[str | None, typer.Option(help="Another version than the current one.")] = None,
) -> int:
    """Check signature, digests and stored answers of a published version."""
    from deploy.commands import models as body

    return body.verify(name, artifacts, version)


@app.command()
def rollback(
    name: Model,
    to: Annotated[str | None, typer.Option("--to", help="A version; by default the previous one.")] = None,
    reason: Annotated[str, typer.Option(help="Why; goes into the log.")] = "",
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Serve an earlier version again; the one left is withdrawn, and stays so."""
    from deploy.commands import models as body

    return body.rollback(name, artifacts, to, reason)


@app.command()
def hold(
    name: Model,
    reason: Annotated[str, typer.Option(help="Why; goes into the log.")],
    artifacts: Artifacts = Path("artifacts"),
) -> int:
    """Let no new version in until released."""
    from deploy.commands import models as body

    return body.hold(name, artifacts, reason)


@app.command()
def release(name: Model, artifacts: Artifacts = Path("artifacts")) -> int:
    """End a hold."""
    from deploy.commands import models as body

    return body.release(name, artifacts)


@app.command()
def refresh(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.yaml")],
    artifacts: Artifacts = Path("artifacts"),
    force: Annotated[str | None, typer.Option("--force", metavar="REASON", help="Publish against the gate.")] = None,
) -> int:
    """Read the look-ups anew that the spec says are refreshed, and publish the live model with them; train nothing."""
    from deploy.commands.refresh import refresh as body

    return body(spec, artifacts, force or "")


@app.command()
def new(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> int:
    """Make a project of your own: a spec, a data folder, an artifacts folder."""
    from deploy.commands.new import new as body

    return body(folder)


@app.command()
def up(
    specs: Annotated[
        list[Path] | None, typer.Argument(metavar="[SPEC...]", help="By default all of flows/specs.")
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    host: Annotated[str, typer.Option(help="The address that the service listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port that the service listens on.")] = 8000,
) -> int:
    """Prefect server with UI, the schedule of every spec, and the service, in one; Ctrl-C stops all."""
    from deploy.up import up as body

    return body(specs or [], artifacts, host, port)


@app.command()
def down(artifacts: Artifacts = Path("artifacts")) -> int:
    """Stop what `up` started."""
    from deploy.up import down as body

    return body(artifacts)


@app.command()
def status(artifacts: Artifacts = Path("artifacts")) -> int:
    """Tell what of `up` is running."""
    from deploy.up import status as body

    return body(artifacts)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with the exit status of the contract."""
    sys.exit(call(arguments))


def call(arguments: list[str] | None) -> int:
    """Run one command and return its exit status; a mistake is told on stderr, never as a traceback."""
    try:
        status = int(typer.main.get_command(app).main(arguments, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        status = EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get("PENSTOCK_DEBUG") and not isinstance(error, PenstockError):
            raise
        return _tell(error)
    # Typer turns an interrupt into the status alone.
    if status == EXIT_INTERRUPTED:
        print("penstock: interrupted", file=sys.stderr)
    return status


def _tell(error: Exception) -> int:
    if isinstance(error, PenstockError):
        print(f"penstock: {error}", file=sys.stderr)
        return error.exit_status
    if isinstance(error, ModuleNotFoundError) and error.name in ("prefect", "matplotlib", "seaborn"):
        print(f"penstock: {error.name} is not installed\n  do: pip install 'penstock[flows]'", file=sys.stderr)
    else:
        print(f"penstock: {type(error).__name__}: {error}\n  do: set PENSTOCK_DEBUG=1 to see where.", file=sys.stderr)
    return EXIT_OTHER


if __name__ == "__main__":
    main()
