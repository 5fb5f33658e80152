"""The dossier as GitHub-flavoured markdown, small enough for a page of a run's artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from penstock import __version__
from penstock.report import told
from penstock.report.facts import DossierFacts, Picture
from penstock.report.html import data_uri
from penstock.report.usage import commands
from penstock.report.words import NONE, between, clipped, count, metric_title, number, percent, seconds

# Prefect's own server sets no limit, its clouds and the proxies before it mostly one megabyte; and its database keeps
# two copies.
LIMIT = 900_000
PICTURE_LIMIT = 100_000
MOST_PICTURES = 24
MOST_SUSPICIOUS = 60
# From wide to narrow: dots across, and colours, until a picture that is too large fits.
_WIDTHS = ((1000, 48), (720, 32), (420, 16), (240, 8))
# What tells most of a run comes first where there is not room for all: words in the pictures' names.
_TELLING = (
    "leaderboard",
    "intervals",
    "importance",
    "confusion",
    "predicted",
    "forecast",
    "roc",
    "calibration",
    "champion",
    "slice",
    "target",
    "before",
    "missing",
    "correlation",
    "precision",
    "residual",
    "learning",
    "dependence",
)
_special = re.compile(r"([\\`*_{}\[\]<>#|~$!])")
# What GitHub-flavoured markdown would turn into a link by itself.
_link = re.compile(r"(?i)(https?|ftp|www)([:.])|@")


def dossier_markdown(facts: DossierFacts, links: Sequence[tuple[str, str, str]] = ()) -> str:
    """Return a run's dossier as markdown with pictures in it as data URIs, below one megabyte.

    Parameters
    ----------
    facts : DossierFacts
        Everything it tells. Names and values are escaped: none becomes markup or a link.
    links : sequence of (str, str, str)
        Where to look further: a title, an address, and markdown that says what is there.
    """
    parts = [*_head(facts), *_links(links), *_scores(facts), *_board(facts), *_findings(facts)]
    parts += [*_contract(facts), *_cleaning(facts), *_columns(facts)]
    tail = [*_stages(facts), *_lineage(facts), *_usage(facts)]
    text = "\n\n".join([*parts, *tail])
    pictures = _pictures(facts, LIMIT - len(text.encode()) - 2_000)
    return "\n\n".join([*parts, *pictures, *tail]) + "\n"


def escaped(text: object, most: int = 200) -> str:
    r"""Return a text that markdown shows as it is, on one line.

    Examples
    --------
    >>> escaped("a|b *c*\nhttps://x")
    'a\\|b \\*c\\* https&#58;//x'
    """
    shown = _special.sub(r"\\\1", clipped(text, most)).replace("&", "&amp;")
    return _link.sub(lambda m: f"{m[1]}&#{ord(m[2])};" if m[1] else "&#64;", shown)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table; heads that begin with `#` are of numbers. Cells are escaped.

    Examples
    --------
    >>> print(table(["a", "#b"], [["x|y", 1]]))
    | a | b |
    | --- | ---: |
    | x\|y | 1 |
    """
    lines = [
        "| " + " | ".join(head.removeprefix("#") for head in heads) + " |",
        "| " + " | ".join("---:" if head.startswith("#") else "---" for head in heads) + " |",
    ]
    lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _head(facts: DossierFacts) -> list[str]:
    verdict = "let this model in" if facts.verdict.passed else "refused this model"
    reasons = "\n".join(f"- {escaped(reason)}" for reason in facts.verdict.reasons)
    head = f"# {escaped(facts.name)}: {told.badge(facts)[0]}"
    main = facts.main
    score = ""
    if main is not None:
        score = (
            f"**{metric_title(facts.metric)} {number(main.value)}** on held-out rows (95 % interval {between(main)})"
        )
        base = facts.baseline.get(facts.metric)
        score += f"; the baseline has {number(base.value)}." if base is not None else "."
    gate = f"The gate {verdict}." + (f"\n\n{reasons}" if reasons else "")
    return [part for part in (head, escaped(told.lead(facts), 600), score, gate) if part]


def _links(links: Sequence[tuple[str, str, str]]) -> list[str]:
    lines = [f"- [{escaped(title)}]({_address(url)}): {told}" for title, url, told in links]
    return ["**Look further.**", "\n".join(lines)] if lines else []


def _address(url: str) -> str:
    """Return an address that does not end before its end."""
    return "".join(c if c.isascii() and c not in " ()<>\\" else quote(c) for c in url)


def _scores(facts: DossierFacts) -> list[str]:
    rows = []
    for name, score in sorted(facts.scores.items(), key=lambda item: item[0] != facts.metric):
        base, cv = facts.baseline.get(name), facts.cross_validation.get(name)
        folds = f"{number(cv[0])} ± {number(cv[1], 2)}" if cv else NONE
        rows.append(
            (metric_title(name), number(score.value), between(score), number(base.value if base else None), folds)
        )
    heads = ["Metric", "#Score", "#95 % interval", "#Baseline", "#Cross-validation"]
    compared = told.challenge(facts) or "No champion was live to compare with."
    aim = ["\n".join(f"- {escaped(line, 600)}" for line in facts.aim)] if facts.aim else []
    left = ["**What errors tell.**", "\n".join(f"- {escaped(line, 900)}" for line in facts.residuals)]
    told_of_errors = left if facts.residuals else []
    live = "**Champion and challenger.** " + escaped(compared, 600)
    return ["## Scores", *aim, table(heads, rows), *told_of_errors, live]


def _board(facts: DossierFacts) -> list[str]:
    rows = [
        (
            f"{row.words} (chosen)" if row.chosen else row.words,
            number(row.mean),
            number(row.sd, 2),
            seconds(row.seconds),
            row.outcome,
        )
        for row in facts.leaderboard
    ]
    board = table(["Candidate", f"#{metric_title(facts.metric)}", "#± sd", "#Time", "Outcome"], rows)
    why = ["\n".join(f"- {escaped(line, 600)}" for line in facts.selection)] if facts.selection else []
    return ["## Leaderboard", *why, board]


def _findings(facts: DossierFacts) -> list[str]:
    if not facts.findings:
        return ["## Leakage", "Nothing was found."]
    lines = [f"- **{'blocks' if f.blocks else 'worth a look'}**: {escaped(f.what)}" for f in facts.findings]
    return ["## Leakage", "\n".join(lines)]


def _contract(facts: DossierFacts) -> list[str]:
    if not facts.expectations:
        return []
    return ["## Contract", "\n".join(f"- {escaped(told, 400)}" for told in facts.expectations)]


def _cleaning(facts: DossierFacts) -> list[str]:
    rows = [
        (
            s.step,
            s.nature,
            f"{s.rows_in:,}",
            f"{s.rows_out:,}",
            f"{s.cells_changed:,}",
            percent(s.share),
            seconds(s.seconds),
        )
        for s in told.steps(facts)
    ]
    parts = ["## Cleaning", table(["Step", "Kind", "#Rows in", "#Rows out", "#Cells changed", "#Share", "#Time"], rows)]
    if facts.audit.suspicious:
        odd = [(s.column, s.what, s.line) for s in facts.audit.suspicious[:MOST_SUSPICIOUS]]
        parts += ["### Suspicious columns", table(["Column", "What is odd", "Line for the spec"], odd)]
    if facts.rejections:
        rejected = [(r.reason, r.column, r.side, f"{r.n:,}") for r in facts.rejections]
        parts += ["### Rejected rows", table(["Reason", "Column", "Side", "#Rows"], rejected)]
    return parts


def _columns(facts: DossierFacts) -> list[str]:
    target = f"Target **{escaped(facts.target.name)}** ({facts.target.task}). {escaped(facts.target.evidence)}"
    left = [(c.name, c.role.replace("_", " "), c.evidence) for c in told.notable(facts)]
    used = sum(1 for c in facts.columns if c.role == "feature")
    parts = ["## What was understood", f"{target}\n\n{count(used, 'column')} in use."]
    return [*parts, table(["Column", "Role", "Why"], left)] if left else parts


def _pictures(facts: DossierFacts, room: int) -> list[str]:
    """Return the most telling pictures that there is room for, in the dossier's own order."""
    wanted = [*facts.evaluation, *facts.figures]
    kept: dict[int, str] = {}
    for i in sorted(range(len(wanted)), key=lambda i: (_rank(wanted[i].name), i)):
        text = _picture(wanted[i])
        size = len(text.encode()) + 2
        if size <= room and len(kept) < MOST_PICTURES:
            kept[i], room = text, room - size
    more = len(wanted) - len(kept)
    rest = [f"{count(more, 'further figure')} {'is' if more == 1 else 'are'} in the HTML report."] if more else []
    return ["## Figures", *(kept[i] for i in sorted(kept)), *rest] if wanted else []


def _rank(name: str) -> int:
    return next((i for i, word in enumerate(_TELLING) if word in name), len(_TELLING))


def _picture(picture: Picture) -> str:
    png = picture.png
    for width, colours in _WIDTHS if len(png) > PICTURE_LIMIT else ():
        from penstock.plots.png import shrunk

        png = shrunk(picture.png, width, colours)
        if len(png) <= PICTURE_LIMIT:
            break
    title = escaped(picture.title)
    return f"![{title}]({data_uri(png)})\n\n**{title}.** {escaped(picture.caption, 600)}"


def _stages(facts: DossierFacts) -> list[str]:
    rows = [(stage.name, stage.state, seconds(stage.seconds)) for stage in facts.stages]
    return ["## Stages", table(["Stage", "State", "#Time"], rows)]


def _lineage(facts: DossierFacts) -> list[str]:
    rows = [(line.stage, line.what, line.digest[:16]) for line in facts.lineage]
    return ["## Lineage", table(["Stage", "What", "sha256 (first 16)"], rows)]


def _usage(facts: DossierFacts) -> list[str]:
    parts = ["## Use it"]
    for title, text in commands(facts):
        # A fence longer than any run of backticks in the text cannot be closed by it.
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        parts.append(f"**{title}**\n\n{fence}\n{text}\n{fence}")
    return [*parts, f"Run {escaped(facts.run_id)}, {escaped(facts.made_at)}. Made by penstock {__version__}."]
