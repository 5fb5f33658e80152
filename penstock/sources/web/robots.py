"""robots.txt: what a site asks those to leave alone who read its pages by program (RFC 9309)."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from penstock.errors import SourceError, SourceUnavailable
from penstock.sources.places.access import Access
from penstock.sources.web.patience import LONGEST_WAIT
from penstock.sources.web.urls import shown_url, without_user

AGENT = "penstock"
# Eight times what has to be read (RFC 9309, section 2.5).
_MOST_BYTES = 4 << 20
_TOKEN = re.compile(r"[A-Za-z_-]+")


class Rule(NamedTuple):
    """One line: whether paths that match the pattern are allowed."""

    allow: bool
    pattern: str


class Robots:
    r"""What a site asks of one program.

    Parameters
    ----------
    text : str
        The robots.txt.
    agent : str, optional
        The program's name.

    References
    ----------
    RFC 9309, Robots Exclusion Protocol. The group that names the program counts, or else that of `*`; of the rules
    that match, the longest pattern; of two as long, the one that allows.

    Examples
    --------
    >>> robots = Robots("User-agent: *\nDisallow: /private\nAllow: /private/*.html$\nCrawl-delay: 2")
    >>> robots.allows("/private/rows"), robots.allows("/private/rows.html"), robots.delay
    (False, True, 2.0)
    """

    def __init__(self, text: str, agent: str = AGENT) -> None:
        self._rules: list[Rule] = []
        self.delay = 0.0
        groups = _groups(text)
        mine = [g for g in groups if agent.lower() in g.agents] or [g for g in groups if "*" in g.agents]
        for group in mine:
            self._rules += group.rules
            self.delay = max(self.delay, group.delay)

    def allows(self, path: str) -> bool:
        """Whether a path, with its query, may be read."""
        rule = self.rule_for(path)
        return rule is None or rule.allow

    def rule_for(self, path: str) -> Rule | None:
        """Return the rule that decides over a path, or None."""
        plain = _normal(path)
        matching = [r for r in self._rules if _matches(_normal(r.pattern), plain)]
        return max(matching, key=lambda r: (len(_normal(r.pattern)), r.allow), default=None)


class _Group:
    def __init__(self) -> None:
        self.agents: set[str] = set()
        self.rules: list[Rule] = []
        self.delay = 0.0


def _groups(text: str) -> list[_Group]:
    groups: list[_Group] = []
    naming = False
    for line in text.removeprefix("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if not naming:
                groups.append(_Group())
            token = _TOKEN.match(value)
            groups[-1].agents.add("*" if value.startswith("*") else token.group().lower() if token else value.lower())
            naming = True
        elif key in ("allow", "disallow", "crawl-delay"):
            naming = False
            if groups and value:
                _note(groups[-1], key, value)
    return groups


def _note(group: _Group, key: str, value: str) -> None:
    if key != "crawl-delay":
        group.rules.append(Rule(key == "allow", value))
        return
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        group.delay = max(group.delay, float(value))


def _normal(path: str) -> str:
    """Return a path with each character escaped in the one way, `*` and `$` kept."""
    return quote(unquote(path, errors="surrogateescape"), safe="/*$?&=:@!+,;'()~-._", errors="surrogateescape")


def _matches(pattern: str, path: str) -> bool:
    ends = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for i, piece in enumerate(rest):
        if ends and i == len(rest) - 1:
            return path.endswith(piece) and len(path) - len(piece) >= at
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return not ends or at == len(path)


class Doorman:
    """Asks each site once, during one collection, what it wants to be left alone."""

    def __init__(self, access: Access) -> None:
        # A site's credentials are for its pages; robots.txt is for everyone.
        self._access = Access(
            timeout=access.timeout, tries=access.tries, backoff=access.backoff, time_limit=access.time_limit
        )
        self._known: dict[str, Robots] = {}

    def admit(self, url: str) -> float:
        """Return how many seconds the site wants between two requests, 0 if it doesn't say.

        Raises
        ------
        SourceError
            The site does not want this page to be read by program, or asks for waits that no run can keep.
        SourceUnavailable
            It cannot be known, as its robots.txt cannot be had.
        """
        parts = urlsplit(without_user(url)[0])
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._known:
            self._known[site] = self._ask(f"{site}/robots.txt")
        robots = self._known[site]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        rule = robots.rule_for(path)
        if rule is not None and not rule.allow:
            raise SourceError(
                "The site does not want this page to be read by program",
                where=shown_url(url),
                got=f"Disallow: {rule.pattern} in its robots.txt",
                todo="Ask its owner for an API or a file; a page that you saved yourself can be given by its path.",
            )
        if robots.delay > LONGEST_WAIT:
            raise SourceError(
                "The site asks for longer waits than a run can keep",
                where=shown_url(url),
                got=f"Crawl-delay: {robots.delay:g} s in its robots.txt",
                expected=f"at most {LONGEST_WAIT:g} s",
            )
        return robots.delay

    def _ask(self, url: str) -> Robots:
        from penstock.sources.web.client import Client

        with TemporaryDirectory(prefix="penstock-") as folder:
            to = Path(folder) / "robots.txt"
            with Client(self._access, url) as client:
                answer = client.request(url, to, most=_MOST_BYTES)
            if answer.status < 300 and to.exists():
                return Robots(to.read_bytes().decode("utf-8", "replace"))
        if 400 <= answer.status < 500 and answer.status != 429:
            # A site without one asks for nothing (RFC 9309, section 2.3.1.3).
            return Robots("")
        raise SourceUnavailable(
            "It cannot be known whether the site wants its pages to be read by program",
            where=shown_url(url),
            got=f"status {answer.status}",
            todo="Try again later.",
        )
