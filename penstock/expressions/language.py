"""The language: what it reads, and the tree of this module's own nodes that it reads it into.

::

    weight / (height * height)
    if(city in ('Oslo', 'Bergen'), 'north', lower(trim(region)))
    days(left - entered) >= 3 and not contains(note, 'test')
    `Total Charges` is null or 0 <= rate < 1

Columns are named as they are, or between backquotes. There are numbers, texts in quotes, `true`, `false` and `null`,
the comparisons, `is null` and `in (…)`, each also with `not`, and `and`, `or`, `not`, `+ - * / // % **`, and the
functions of `penstock.expressions.functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

from penstock.expressions.functions import FUNCTIONS

LONGEST = 1_000
DEEPEST = 40
MOST_TERMS = 100
WORDS = frozenset({"and", "or", "not", "is", "in", "null", "true", "false"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | `(?P<quoted>[^`]+)`
      | '(?P<single>[^']*)' | "(?P<double>[^"]*)"
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<sign><=|>=|==|!=|<>|\*\*|//|[<>=+\-*/%(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A column; `at` is the place in the text, counted from 1."""

    column: str
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, a truth value, or nothing."""

    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on one or more values: a sign, `neg`, a function, `and or not`, `in` or `is null`."""

    operation: str
    of: tuple[Node, ...]
    at: int = field(default=0, compare=False, repr=False)


Node: TypeAlias = "Name | Constant | Call"


class NotAnExpression(ValueError):
    """A text is none of the language; the message says where it goes wrong."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Return the tree of an expression.

    Raises
    ------
    NotAnExpression
        It is none; the message tells the place, counted from 1.

    Examples
    --------
    >>> parse("a <= b")
    Call(operation='<=', of=(Name(column='a'), Name(column='b')))
    >>> parse("a <=")
    Traceback (most recent call last):
    penstock.expressions.language.NotAnExpression: the expression ends where a value should stand
    """
    if len(text) > LONGEST:
        raise NotAnExpression(f"the expression is longer than {LONGEST} characters")
    parser = _Parser(list(_tokens(text)))
    tree = parser.either(0)
    parser.end()
    return tree


def columns_of(node: Node) -> tuple[str, ...]:
    """Return the columns that an expression names, each once, in order.

    Examples
    --------
    >>> columns_of(parse("abs(b - `a b`) < b"))
    ('b', 'a b')
    """
    if isinstance(node, Name):
        return (node.column,)
    if isinstance(node, Constant):
        return ()
    return tuple(dict.fromkeys(name for part in node.of for name in columns_of(part)))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            place = len(text) - len(text[at:].lstrip()) + 1
            raise NotAnExpression(f"{text[place - 1]!r} at {place} is not understood")
        kind = str(found.lastgroup)
        yield _Token(kind, str(found[kind]), found.start(kind) + 1)
        at = found.end()


class _Parser:
    """Precedence from loose to tight: or, and, not, comparison, + -, * / // %, sign, **, value."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    def end(self) -> None:
        if token := self._peek():
            raise NotAnExpression(f"{token.text!r} at {token.at} is one too many")

    def either(self, depth: int) -> Node:
        return self._joined(depth, "or", self._both)

    def _both(self, depth: int) -> Node:
        return self._joined(depth, "and", self._negated)

    def _joined(self, depth: int, word: str, part: Callable[[int], Node]) -> Node:
        _bounded(depth)
        at = self._place()
        parts = [part(depth + 1)]
        while self._take_word(word):
            parts.append(part(depth + 1))
        return parts[0] if len(parts) == 1 else Call(word, tuple(parts), at)

    def _negated(self, depth: int) -> Node:
        _bounded(depth)
        at = self._place()
        if self._take_word("not"):
            return Call("not", (self._negated(depth + 1),), at)
        return self._compared(depth)

    def _compared(self, depth: int) -> Node:
        at = self._place()
        first = self._sum(depth)
        if self._take_word("is"):
            negated = self._take_word("not")
            if not self._take_word("null"):
                raise self._wrong("`null`")
            return _perhaps_not(negated, Call("is null", (first,), at))
        if self._take_word("in"):
            return Call("in", (first, *self._listed(depth)), at)
        if self._take_word("not"):
            if not self._take_word("in"):
                raise self._wrong("`in`")
            return _perhaps_not(True, Call("in", (first, *self._listed(depth)), at))
        links: list[Node] = []
        while sign := self._take_sign("<=", ">=", "==", "!=", "<>", "<", ">", "="):
            then = self._sum(depth)
            links.append(Call({"=": "==", "<>": "!="}.get(sign, sign), (first, then), at))
            first = then
        if not links:
            return first
        return links[0] if len(links) == 1 else Call("and", tuple(links), at)

    def _listed(self, depth: int) -> tuple[Node, ...]:
        if not self._take_sign("("):
            raise self._wrong("an opening bracket")
        members = [self._member(depth)]
        while self._take_sign(","):
            members.append(self._member(depth))
        self._close()
        return tuple(members)

    def _member(self, depth: int) -> Constant:
        at = self._place()
        node = self._signed(depth)
        if isinstance(node, Call) and node.operation == "neg" and isinstance(node.of[0], Constant):
            value = node.of[0].value
            node = Constant(-value) if isinstance(value, float) else node
        if not isinstance(node, Constant) or node.value is None:
            raise NotAnExpression(f"at {at} a number or a text should stand: a list holds nothing else")
        return node

    def _sum(self, depth: int) -> Node:
        return self._chained(depth, ("+", "-"), self._product)

    def _product(self, depth: int) -> Node:
        return self._chained(depth, ("*", "/", "//", "%"), self._signed)

    def _chained(self, depth: int, signs: tuple[str, ...], part: Callable[[int], Node]) -> Node:
        at = self._place()
        value = part(depth)
        while sign := self._take_sign(*signs):
            value = Call(sign, (value, part(depth)), at)
            # A chain makes the tree as deep as brackets do.
            self._terms += 1
            if self._terms > MOST_TERMS:
                raise NotAnExpression(f"the expression has more than {MOST_TERMS} terms")
        return value

    def _signed(self, depth: int) -> Node:
        _bounded(depth)
        at = self._place()
        if self._take_sign("-"):
            return Call("neg", (self._signed(depth + 1),), at)
        if self._take_sign("+"):
            return self._signed(depth + 1)
        value = self._value(depth)
        return Call("**", (value, self._signed(depth + 1)), at) if self._take_sign("**") else value

    def _value(self, depth: int) -> Node:
        token = self._peek()
        if token is None or (token.kind == "sign" and token.text != "("):
            raise self._wrong("a value")
        self._at += 1
        if token.kind == "sign":
            inner = self.either(depth + 1)
            self._close()
            return inner
        if token.kind == "number":
            return Constant(float(token.text))
        if token.kind in ("single", "double"):
            return Constant(token.text)
        if token.kind == "quoted":
            return Name(token.text, token.at)
        return self._named(token, depth)

    def _named(self, token: _Token, depth: int) -> Node:
        word = token.text
        if word in ("true", "false"):
            return Constant(word == "true")
        if word == "null":
            return Constant(None)
        if word in WORDS:
            self._at -= 1
            raise self._wrong("a value")
        following = self._peek()
        if following is None or following.text != "(" or following.kind != "sign":
            return Name(word, token.at)
        if word not in FUNCTIONS:
            raise NotAnExpression(f"there is no function {word!r} (at {token.at}); {_known(word)}")
        self._at += 1
        arguments = [self.either(depth + 1)]
        while self._take_sign(","):
            arguments.append(self.either(depth + 1))
        self._close()
        fewest, most = FUNCTIONS[word].fewest, FUNCTIONS[word].most
        if not fewest <= len(arguments) <= most:
            takes = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise NotAnExpression(f"{word!r} at {token.at} takes {takes} values, and got {len(arguments)}")
        return Call(word, tuple(arguments), token.at)

    def _close(self) -> None:
        if not self._take_sign(")"):
            raise self._wrong("a closing bracket")

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _place(self) -> int:
        token = self._peek()
        return 0 if token is None else token.at

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind != "name" or token.text != word:
            return False
        self._at += 1
        return True

    def _take_sign(self, *signs: str) -> str:
        token = self._peek()
        if token is None or token.kind != "sign" or token.text not in signs:
            return ""
        self._at += 1
        return token.text

    def _wrong(self, wanted: str) -> NotAnExpression:
        token = self._peek()
        if token is None:
            return NotAnExpression(f"the expression ends where {wanted} should stand")
        return NotAnExpression(f"{wanted} should stand at {token.at}, not {token.text!r}")


def _known(word: str) -> str:
    near = get_close_matches(word.lower(), list(FUNCTIONS), n=1, cutoff=0.6)
    return (f"did you mean {near[0]!r}? " if near else "") + f"there are {', '.join(FUNCTIONS)}"


def _perhaps_not(negated: bool, asked: Call) -> Call:
    return Call("not", (asked,), asked.at) if negated else asked


def _bounded(depth: int) -> None:
    if depth > DEEPEST:
        raise NotAnExpression(f"the expression is nested more than {DEEPEST} deep")
