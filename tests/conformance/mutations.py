"""Answers gone wrong: mutated at random, most by a value or two, so that much of each can still be read.

An answer is taken as nodes: a JSON object's members and a list's items, or an XML document's elements.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from conformance.answers import Told, is_xml

MUTATED_ANSWERS = 10_000
"""How many mutated answers each parser is tested with."""


class Node(NamedTuple):
    """A part of an answer by its bytes: `start` to `end` with its name, `inner` to `inner_end` its value alone."""

    start: int
    inner: int
    inner_end: int
    end: int
    is_leaf: bool


_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s"\[\]{},:]+|[\[\]{},:]')
_XML_TAG = re.compile(rb"<(/?)([A-Za-z_][\w:.-]*)([^<>]*?)(/?)>")
_DIGITS = re.compile(rb"\d+")

ODD_DATES = (
    b"2026-02-31", b"2026-13-01", b"0001-01-01", b"9999-12-31", b"2199-12-31", b"1970-01-01", b"1969-12-31",
    b"2200-01-01", b"20260231", b"99991231", b"26-02-01", b"01/02/2026", b"0000-00-00", b"2026-W09-1", b"2026-060",
)  # fmt: skip
ODD_TIMES = (
    b"T00:00:00", b"T23:59:60", b"T24:00:00", b"T25:61:61", b" 09:15", b"T091500", b"", b"T09:15:00.123456789",
    b"T09:15:00Z", b"T09:15:00+14:00", b"T09:15:00-14:00", b"T09:15:00+25:00", b"T09:15:00+05:30:15", b"T09:15:00,5",
    b"T09:15:00 +0100", b"T02:30:00-00:00", b"T09:15:00+14:01", b"T09:15:00-23:59",
)  # fmt: skip
ODD_JSON = (
    b"null", b"true", b"false", b"0", b"-1", b"17", b"1e308", b"1e999", b"-0.0", b"123456789012345678901234567890",
    b"3.5", b"9007199254740993", b'""', b'" "', b'"null"', b'"text"', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"',
    b'"\\ud83d\\ude00"', b'"\\\\u0000"', b"[]", b"{}", b"[[]]", b"[null]", b'{"a":1}', b'"\xff"',
    b"[" * 400 + b"]" * 400, b'"' + b"x" * 3000 + b'"', b"NaN", b"Infinity", b'"\xe2\x80\xa8"',
    b'"2026-02-03T04:05:06"', b'"\\t\\n"',
)  # fmt: skip
ODD_TEXTS = (
    b"", b" ", b"null", b"0", b"-1", b"1e999", b"text", b"&#0;", b"&#x1F600;", b"&lt;b&gt;", b"&nbsp;", b"\x00",
    b"\x0b", b"\xff", b"<a/>", b"<a>b</a>c", b"<!-- b -->", b"<![CDATA[c]]>", b"<?p i?>", b"<d>" * 120 + b"</d>" * 120,
    b"x" * 3000, b"123456789012345678901234567890", b"true", b"\xe2\x80\xa8", b"2026-02-03T04:05:06",
)  # fmt: skip


def mutate(chance: Random, told: Told, others: Sequence[Told]) -> bytes:
    """An answer with one mutation or a few. `others` are answers of the same carrier, to be mixed in."""
    roll = chance.random()
    if roll < 0.06:
        return _splice(chance, told.body, chance.choice(others).body)
    if roll < 0.10:
        return chance.choice(_ENCODINGS)(told.body)
    body = told.body
    found = nodes(body)
    if roll < 0.22 or not found:
        for _ in range(chance.randint(1, 3)):
            body = _bytes(chance, body)
        return body
    picked = sorted(chance.sample(found, min(len(found), chance.choice((1, 1, 1, 2, 2, 3, 5)))), reverse=True)
    until = len(body)
    for node in picked:  # from the back, so that the nodes before stay where they are
        if node.end > until:
            continue  # it holds one that is changed already
        body = _node(chance, body, node, found, told.body)
        until = node.start
    return body


@cache
def nodes(body: bytes) -> tuple[Node, ...]:
    """The nodes of an answer, the outermost left out. A body that is well formed is asked for."""
    return tuple(_xml_nodes(body) if is_xml(body) else _json_nodes(body))


def _json_nodes(body: bytes) -> list[Node]:
    found: list[Node] = []
    opened: list[tuple[int, int]] = []
    key: int | None = None
    tokens = list(_JSON_TOKEN.finditer(body))
    for position, token in enumerate(tokens):
        text, start, end = token[0], token.start(), token.end()
        if text in b",:":
            continue
        if text[:1] == b'"' and position + 1 < len(tokens) and tokens[position + 1][0] == b":":
            key = start
            continue
        if text in b"[{":
            opened.append((start if key is None else key, start))
        elif text in b"]}":
            found.append(Node(*opened.pop(), end, end, False))
        else:
            found.append(Node(start if key is None else key, start, end, end, True))
        key = None
    return [node for node in found if node.start > 0]


def _xml_nodes(body: bytes) -> list[Node]:
    found: list[Node] = []
    opened: list[list[int]] = []
    for tag in _XML_TAG.finditer(body):
        closes, _, _, is_empty = tag.groups()
        if is_empty:
            found.append(Node(tag.start(), tag.end(), tag.end(), tag.end(), True))
        elif closes:
            start, inner, children = opened.pop()
            found.append(Node(start, inner, tag.start(), tag.end(), not children))
        else:
            for parent in opened:
                parent[2] += 1
            opened.append([tag.start(), tag.end(), 0])
    return found[:-1]


def _node(chance: Random, body: bytes, node: Node, found: Sequence[Node], whole: bytes) -> bytes:
    """A body with one of its nodes changed; `whole` is the body as it was, whose nodes are `found`."""
    inner = body[node.inner : node.inner_end]
    text_of_xml = is_xml(whole)
    roll = chance.random()
    if node.is_leaf and roll < 0.35:
        return body[: node.inner] + _value(chance, inner, text_of_xml) + body[node.inner_end :]
    if roll < 0.50:  # the value of another node, of whatever type
        other = chance.choice(found)
        return body[: node.inner] + whole[other.inner : other.inner_end] + body[node.inner_end :]
    if roll < 0.65:
        return body[: node.inner] + chance.choice(ODD_TEXTS if text_of_xml else ODD_JSON) + body[node.inner_end :]
    if roll < 0.75:
        return _removed(body, node, text_of_xml)
    if roll < 0.85:
        piece = body[node.start : node.end]
        return body[: node.start] + piece + (b"" if text_of_xml else b",") + piece + body[node.end :]
    if roll < 0.93:
        name = chance.choice((b"x", b"Events", b"date", b"(drops)", b"status", b"code"))
        if text_of_xml:
            return body[: node.start] + b"<" + name + b">" + inner + b"</" + name + b">" + body[node.end :]
        return body[: node.start] + b'"' + name + b'":' + inner + body[node.end :]
    if text_of_xml:  # a tag lost: the document is no longer well formed
        return body[: node.start] + body[node.inner :]
    wrapped = chance.choice((b"[" + inner + b"]", b'{"value":' + inner + b"}", b"[" + inner + b"," + inner + b"]"))
    return body[: node.inner] + wrapped + body[node.inner_end :]


def _removed(body: bytes, node: Node, text_of_xml: bool) -> bytes:
    before, after = body[: node.start], body[node.end :]
    if not text_of_xml:
        if after.startswith(b","):
            after = after[1:]
        elif before.endswith(b","):
            before = before[:-1]
    return before + after


def _value(chance: Random, inner: bytes, text_of_xml: bool) -> bytes:
    """A value of the same kind, yet another one: another date, another number, a letter changed."""
    bare = inner.strip(b'"')
    digits = sum(byte in b"0123456789" for byte in bare)
    if digits >= 6 and chance.random() < 0.7:
        odd = chance.choice(ODD_DATES) + chance.choice(ODD_TIMES)
        if chance.random() < 0.5:  # part of it alone
            odd = chance.choice((odd[:10] + bare[10:], bare[:10] + odd[10:], bare[::-1], bare + b"Z", bare[:-1]))
        return odd if text_of_xml else b'"' + odd + b'"'
    if digits and chance.random() < 0.8:
        spans = list(_DIGITS.finditer(inner))
        spot = chance.choice(spans)
        number = chance.choice((b"0", b"99", b"7", b"31", b"-5", b"60", b"12345678901234567890", b"1.5"))
        return inner[: spot.start()] + number + inner[spot.end() :]
    if len(bare) < 2:
        return inner if text_of_xml else chance.choice((b"null", b"1", b'"x"'))
    at = chance.randrange(1, len(inner) - 1) if len(inner) > 2 else 0
    return inner[:at] + chance.choice((b"", b"ZZ", b" ", b"\xc3\x9f", b"?", b"zq")) + inner[at + chance.randint(0, 3) :]


def _bytes(chance: Random, body: bytes) -> bytes:
    if not body:
        return b"\x00"
    at = chance.randrange(len(body))
    to = min(len(body), at + chance.choice((1, 1, 2, 5, 40, 400)))
    roll = chance.randrange(6)
    if roll == 0:
        return body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]
    if roll == 1:
        return body[:at] + body[to:]
    if roll == 2:
        return body[:to] + body[at:]
    if roll == 3:
        return body[:at] + chance.randbytes(to - at) + body[to:]
    if roll == 4:
        return (
            body[:at]
            + chance.choice((b"\x00", b"\\u0000", b'"', b"<", b"&", b"\xff", b"}", b"]", b"\xef\xbb\xbf"))
            + body[at:]
        )
    return body[:at] if chance.random() < 0.3 else body[:at] + body[at : at + 1] * 2 + body[at + 1 :]


def _splice(chance: Random, body: bytes, other: bytes) -> bytes:
    """The head of one answer and the tail of another, at the same share of both or at any place."""
    share = chance.random()
    other_share = share if chance.random() < 0.5 else chance.random()
    return body[: int(len(body) * share)] + other[int(len(other) * other_share) :]


_ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: codecs.BOM_UTF8 + body,
    lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda body: body.decode("utf-8", "replace").encode("utf-16-be"),
    lambda body: body.decode("utf-8", "replace").encode("latin-1", "replace"),
    lambda body: body.decode("utf-8", "replace").encode("utf-32"),
    lambda body: codecs.BOM_UTF16_LE + body,
    lambda body: body.replace(b"UTF-8", b"latin-1"),
    lambda body: body.replace(b"UTF-8", b"none-such"),
    lambda body: b"\r\n\t " + body + b"\r\n\x00",
    lambda body: gzip.compress(body, 1),
    lambda body: body + body,
)
