"""An expression that is known to fit its columns, ready to be asked of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.blocks import Blocks, Texts
from penstock.expressions.evaluation import evaluated
from penstock.expressions.language import Node, NotAnExpression, columns_of, parse
from penstock.expressions.sorts import typed
from penstock.table import Kind


@dataclass(frozen=True)
class Compiled:
    """An expression with the kind of the column that it gives, and the columns that it names."""

    text: str
    tree: Node
    kind: Kind
    columns: tuple[str, ...]

    def on(self, blocks: Blocks) -> np.ndarray | Texts:
        """Return a column: float64 with NaN (truth values as 1 and 0), datetime64[us] or texts, of shape (n_rows,).

        Raises
        ------
        DataError
            A column that the expression names is not there.
        """
        return evaluated(self.tree, blocks)

    def mask(self, blocks: Blocks) -> npt.NDArray[np.bool_]:
        """Return where the expression is true, bool of shape (n_rows,); what cannot be known is not."""
        return mask_of(self.text, blocks)


def compile_expression(text: str, kinds: Mapping[str, Kind]) -> Compiled:
    """Read an expression and hold it to the columns that there are.

    Raises
    ------
    NotAnExpression
        It is none of the language, names a column that is not there, or mixes what cannot be mixed; the message says
        what, and at which place of the text.

    Examples
    --------
    >>> import pandas as pd
    >>> bmi = compile_expression("weight / (height * height)", {"weight": "float", "height": "float"})
    >>> bmi.kind, bmi.columns
    ('float', ('weight', 'height'))
    >>> rows = Blocks.of(pd.DataFrame({"weight": [80.0, 60.0], "height": [2.0, 0.0]}))
    >>> bmi.on(rows).tolist()
    [20.0, nan]
    >>> compile_expression("weight > 70", {"weight": "float"}).mask(rows).tolist()
    [True, False]
    >>> compile_expression("weigth > 70", {"weight": "float"})
    Traceback (most recent call last):
    penstock.expressions.language.NotAnExpression: there is no column 'weigth' (at 1); did you mean 'weight'? ...
    """
    tree = parse(text)
    return Compiled(text, tree, typed(tree, kinds).kind, columns_of(tree))


def compile_condition(text: str, kinds: Mapping[str, Kind]) -> Compiled:
    """Read an expression that has to be true or false.

    Raises
    ------
    NotAnExpression
        As `compile_expression`, or it gives something else.
    """
    tree = parse(text)
    found = typed(tree, kinds)
    if found.sort != "truth":
        raise NotAnExpression(f"it gives a {found.sort}, and is neither true nor false")
    return Compiled(text, tree, "boolean", columns_of(tree))


def value_of(text: str, blocks: Blocks) -> np.ndarray | Texts:
    """Return what an expression that was compiled before gives on rows; as `Compiled.on`."""
    return evaluated(parse(text), blocks)


def mask_of(text: str, blocks: Blocks) -> npt.NDArray[np.bool_]:
    """Return where an expression that was compiled before is true; as `Compiled.mask`."""
    found = value_of(text, blocks)
    if isinstance(found, Texts) or found.dtype.kind != "f":
        raise NotAnExpression("it is neither true nor false")
    return np.asarray(found == 1.0, dtype=np.bool_)
