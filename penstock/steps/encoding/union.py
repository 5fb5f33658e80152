"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.encoding.encode import Encode
from penstock.steps.encoding.group_stats import GroupStats
from penstock.steps.encoding.hashing import HashText
from penstock.steps.encoding.tfidf import Tfidf

EncodingStep = Encode | GroupStats | HashText | Tfidf
