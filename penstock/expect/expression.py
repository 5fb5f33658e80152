"""The small language of checks across columns: parsed into a tree of this module's own nodes, and nothing is executed.

::

    start <= end
    abs(total - (net + tax)) <= 0.01
    not married or age >= 16
    `Total Charges` is null or 0 <= rate < 1

Columns are named as they are, or between backquotes. There are numbers, texts in quotes, `true`, `false`, the
comparisons, `is null`, `is not null`, `and`, `or`, `not`, `+ - * /`, `abs`, `min` and `max`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

LONGEST = 1_000
DEEPEST = 40
FUNCTIONS = {"abs": (1, 1), "min": (2, 8), "max": (2, 8)}
WORDS = frozenset({"and", "or", "not", "is", "null", "true", "false"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | `(?P<quoted>[^`]+)`
      | '(?P<single>[^']*)' | "(?P<double>[^"]*)"
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<sign><=|>=|==|!=|<>|[<>=+\-*/(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    column: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, or a truth value."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on one or more values: `+ - * / neg abs min max`, a comparison, `and or not` or `is null`."""

    operation: str
    of: tuple[Node, ...]


Node: TypeAlias = "Name | Constant | Call"


class NotAnExpression(ValueError):
    """A text is none of the language; the message says where it goes wrong."""


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
    penstock.expect.expression.NotAnExpression: the expression ends where a value should stand
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
    """Precedence from loose to tight: or, and, not, comparison, + -, * /, sign, value."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def end(self) -> None:
        if token := self._peek():
            raise NotAnExpression(f"{token.text!r} at {token.at} is one too many")

    def either(self, depth: int) -> Node:
        return self._chain(depth, "or", self._both)

    def _both(self, depth: int) -> Node:
        return self._chain(depth, "and", self._negated)

    def _chain(self, depth: int, word: str, part: Callable[[int], Node]) -> Node:
        _bounded(depth)
        parts = [part(depth + 1)]
        while self._take_word(word):
            parts.append(part(depth + 1))
        return parts[0] if len(parts) == 1 else Call(word, tuple(parts))

    def _negated(self, depth: int) -> Node:
        _bounded(depth)
        if self._take_word("not"):
            return Call("not", (self._negated(depth + 1),))
        return self._compared(depth)

    def _compared(self, depth: int) -> Node:
        first = self._sum(depth)
        if self._take_word("is"):
            negated = self._take_word("not")
            if not self._take_word("null"):
                raise self._wrong("`null`")
            asked = Call("is null", (first,))
            return Call("not", (asked,)) if negated else asked
        links: list[Node] = []
        while sign := self._take_sign("<=", ">=", "==", "!=", "<>", "<", ">", "="):
            then = self._sum(depth)
            links.append(Call({"=": "==", "<>": "!="}.get(sign, sign), (first, then)))
            first = then
        if not links:
            return first
        return links[0] if len(links) == 1 else Call("and", tuple(links))

    def _sum(self, depth: int) -> Node:
        value = self._product(depth)
        while sign := self._take_sign("+", "-"):
            value = Call(sign, (value, self._product(depth)))
        return value

    def _product(self, depth: int) -> Node:
        value = self._signed(depth)
        while sign := self._take_sign("*", "/"):
            value = Call(sign, (value, self._signed(depth)))
        return value

    def _signed(self, depth: int) -> Node:
        _bounded(depth)
        if self._take_sign("-"):
            return Call("neg", (self._signed(depth + 1),))
        if self._take_sign("+"):
            return self._signed(depth + 1)
        return self._value(depth)

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
            return Name(token.text)
        return self._named(token, depth)

    def _named(self, token: _Token, depth: int) -> Node:
        word = token.text
        if word in ("true", "false"):
            return Constant(word == "true")
        if word in WORDS:
            self._at -= 1
            raise self._wrong("a value")
        following = self._peek()
        if following is None or following.text != "(" or following.kind != "sign":
            return Name(word)
        if word not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise NotAnExpression(f"there is no function {word!r} (at {token.at}); there are {known}")
        self._at += 1
        arguments = [self.either(depth + 1)]
        while self._take_sign(","):
            arguments.append(self.either(depth + 1))
        self._close()
        fewest, most = FUNCTIONS[word]
        if not fewest <= len(arguments) <= most:
            takes = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise NotAnExpression(f"{word!r} at {token.at} takes {takes} values, and got {len(arguments)}")
        return Call(word, tuple(arguments))

    def _close(self) -> None:
        if not self._take_sign(")"):
            raise self._wrong("a closing bracket")

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

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


def _bounded(depth: int) -> None:
    if depth > DEEPEST:
        raise NotAnExpression(f"the expression is nested more than {DEEPEST} deep")
