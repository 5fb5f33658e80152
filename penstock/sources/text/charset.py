"""How text is encoded, and text turned into UTF-8 as it streams by."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from encodings import cp1252
from itertools import chain
from typing import NamedTuple

from penstock.errors import SourceError

SAMPLE = 1 << 18
UTF8 = ("utf-8", "utf-8-sig")
# Stands where bytes could not be decoded: a lone surrogate, which is UTF-8 of nothing, so that it is found afterwards.
_MARK = "\udcff"
_HANDLER = "penstock.mark"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04\x95", "a Python pickle"),
)
# These could begin a column's name: a zero has to follow somewhere.
_LIKE_TEXT = (b"PAR1", b"ARROW1", b"FEA1", b"BZh", b"GIF8")
# What often lies under the name of a table: an error page, or another format of the same service.
_MARKUP = (
    (re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL), "an HTML page"),
    (re.compile(rb"\s*<\?xml\b"), "an XML document"),
    (re.compile(rb"\s*(?:\[\s*)?\{\s*(?:\}|\"(?:[^\"\\]|\\.)*\"\s*:)"), "JSON"),
)
# In UTF-8 that was damaged, whole characters outnumber the damages by far; in other encodings hardly any is whole.
_WHOLE_TO_DAMAGED = 4
# Delimiters, digits and line ends are zero in their upper bytes, and hardly anything is in its lowest.
_MANY, _NONE = 0.4, 0.1
_ZEROS = 100
# Windows leaves five bytes undefined; as in browsers they stand for the control characters of Latin-1.
_WINDOWS = "".join(chr(i) if c == "\ufffe" else c for i, c in enumerate(cp1252.decoding_table))


class Charset(NamedTuple):
    """An encoding, and whether it was found out rather than declared."""

    name: str
    guessed: bool = False


def charset_of(blocks: Iterable[bytes], where: str) -> Charset:
    """Find out how bytes are encoded: by their mark, by the zeros of wide characters, as UTF-8, else Windows-1252.

    Parameters
    ----------
    blocks : iterable of bytes
        All of the bytes, for whether they are UTF-8 shows only at the end.
    where : str
        What errors call them.

    Raises
    ------
    SourceError
        They are no text.
    """
    stream = iter(blocks)
    first = next(stream, b"")
    for mark, name in _BOMS:
        if first.startswith(mark):
            return Charset(name)
    if wide := _wide(first[:SAMPLE]):
        return Charset(wide, guessed=True)
    # One of them costs its row; many are no text.
    if first[:SAMPLE].count(0) * _ZEROS > len(first[:SAMPLE]):
        raise SourceError("The file is not delimited text", where=where, got="binary data", expected="CSV or the like")
    return Charset("utf-8") if _is_utf8(first, stream) else Charset("cp1252", guessed=True)


def refuse_others(first: bytes, where: str) -> None:
    """Check that a file does not begin like one of another format.

    Raises
    ------
    SourceError
        It does; the error names the format.
    """
    text = first[:SAMPLE].removeprefix(codecs.BOM_UTF8)
    binary = b"\x00" in text
    found = [words for magic, words in _MAGIC if first.startswith(magic) and (binary or magic not in _LIKE_TEXT)]
    found += [words for pattern, words in _MARKUP if pattern.match(text)]
    if found:
        raise SourceError(
            "The file is not delimited text",
            where=where,
            got=found[0],
            expected="CSV or the like",
            todo="Name its kind in the spec, or correct the file.",
        )


def check_encoding(name: str) -> str:
    """Return an encoding's name, if it is one of text.

    Raises
    ------
    ValueError
        It is unknown.
    """
    try:
        b"a".decode(name, "ignore")
    except LookupError:
        raise ValueError(f"{name!r} is no known encoding of text; such are utf-8, utf-16, latin-1, cp1252") from None
    return name


def utf8_blocks(blocks: Iterable[bytes], charset: Charset) -> Iterator[bytes]:
    """Give bytes as UTF-8 without a mark; what could not be decoded is no valid UTF-8 in there either."""
    started = False
    for block in _transcoded(blocks, charset):
        text = block if started else block.removeprefix(codecs.BOM_UTF8)
        started = started or bool(block)
        if text:
            yield text


def _transcoded(blocks: Iterable[bytes], charset: Charset) -> Iterable[bytes]:
    if codecs.lookup(charset.name).name in UTF8:
        return _first_whole(blocks)
    if charset == Charset("cp1252", guessed=True):
        return (codecs.charmap_decode(block, "strict", _WINDOWS)[0].encode() for block in blocks)
    return _decoded(blocks, charset.name)


def _first_whole(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the same bytes, the first block being long enough to hold a mark."""
    first = b""
    stream = iter(blocks)
    for block in stream:
        first += block
        if len(first) >= len(codecs.BOM_UTF8):
            break
    yield first
    yield from stream


def _decoded(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    codecs.register_error(_HANDLER, _marked)
    decoder = codecs.getincrementaldecoder(name)(errors=_HANDLER)
    plain = _holds_ascii(name)
    for block in blocks:
        if plain and block.isascii() and not decoder.getstate()[0]:
            yield block
        else:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _MARK, error.end


def _holds_ascii(name: str) -> bool:
    """Whether ASCII bytes mean the same in an encoding, wherever they stand on their own."""
    ascii_ = bytes(range(128))
    try:
        return ascii_.decode(name) == ascii_.decode("ascii")
    except UnicodeError:
        return False


def _wide(sample: bytes) -> str | None:
    """Return the encoding of 16 or 32 bits a character that a sample without a mark is in."""
    n = len(sample) // 4 * 4
    if n < 8 or b"\x00" not in sample:
        return None
    zeros = [sample[i:n:4].count(0) / (n // 4) for i in range(4)]
    many, none = [share > _MANY for share in zeros], [share < _NONE for share in zeros]
    if all(many[1:]) and none[0]:
        name = "utf-32-le"
    elif all(many[:3]) and none[3]:
        name = "utf-32-be"
    elif many[1] and many[3] and none[0] and none[2]:
        name = "utf-16-le"
    elif many[0] and many[2] and none[1] and none[3]:
        name = "utf-16-be"
    else:
        return None
    text = codecs.getincrementaldecoder(name)(errors="replace").decode(sample[:n])
    return None if "\x00" in text or "\ufffd" in text else name


def _is_utf8(first: bytes, stream: Iterator[bytes]) -> bool:
    whole = damaged = 0
    rest = b""
    for block in chain((first,), stream):
        data = rest + block
        if data.isascii():
            rest = b""
            continue
        try:
            text, n = codecs.utf_8_decode(data, "strict", False)
            whole += n - len(text)
        except UnicodeDecodeError:
            text, n = codecs.utf_8_decode(data, "replace", False)
            marks = text.count("\ufffd") - data.count("\ufffd".encode())
            damaged += marks
            whole += len(text.encode()) - len(text) - 2 * marks
        rest = data[n:]
    damaged += bool(rest)
    return not damaged or whole > _WHOLE_TO_DAMAGED * damaged
