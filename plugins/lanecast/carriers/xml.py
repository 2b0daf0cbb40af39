"""XML answers, read as the same typed structs as JSON: turned into JSON along the structs' own fields.

Namespaces are dropped. A field typed as a list gets every element of its name, in order, one typed as a struct its
element, and any other its text. Documents with a DTD are refused, so that no entity can grow or reach outside.
"""

from __future__ import annotations

import re
import types
import typing
from functools import cache
from typing import Any, NamedTuple, TypeVar
from xml.etree import ElementTree

import msgspec

from lanecast.carriers.answer import Drop, Text, Wire, read, text_of
from lanecast.carriers.base import Verdict

Spec = TypeVar("Spec", bound=msgspec.Struct)
_DTD = re.compile(rb"<!DOCTYPE|<\x00!\x00D\x00O\x00C")
"""In any encoding that is read: bytes as in ASCII, or UTF-16."""
_DEEPEST = 100
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class _Field(NamedTuple):
    struct: type[msgspec.Struct] | None
    is_list: bool


def read_xml(body: bytes, decoder: msgspec.json.Decoder[Spec], kind: type[Spec]) -> tuple[Spec, list[Drop]]:
    """An XML answer as typed structs, and the pieces that had to be left out. DecodeError if it is no XML.

    The struct describes the root element; field names are the elements' local names. Attributes are not read.
    """
    if _DTD.search(body):
        raise msgspec.DecodeError("an XML document with a DTD is not read")
    try:
        root = ElementTree.fromstring(body.lstrip())  # noqa: S314 - a DTD was refused above
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as problem:
        raise msgspec.DecodeError(f"not XML: {problem}") from None
    return read(msgspec.json.encode(_struct(root, kind, 0)), decoder, kind)


class SoapFault(Wire):
    """A SOAP 1.1 fault, without its detail."""

    faultcode: Text = None
    faultstring: str | None = None


class _FaultBody(Wire):
    Fault: SoapFault | None = None


class _FaultEnvelope(Wire):
    Body: _FaultBody | None = None


_FAULTS = msgspec.json.Decoder(_FaultEnvelope)


def soap_verdict(body: bytes) -> Verdict | None:
    """What a SOAP fault says against its status 500: an answer, unless the service calls it its own trouble."""
    try:
        told = read_xml(body, _FAULTS, _FaultEnvelope)[0].Body
    except msgspec.MsgspecError:
        return None
    code = (text_of(told.Fault.faultcode) if told and told.Fault else None) or ""
    code = code.rpartition(":")[2]
    return "answered" if code and code not in {"Server", "Receiver"} else None


def escape(text: str) -> str:
    """A text inside an element of a request: markup escaped, characters left out that XML cannot hold."""
    text = _FORBIDDEN.sub("", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _struct(element: ElementTree.Element, kind: type[msgspec.Struct], depth: int) -> dict[str, Any]:
    known = _fields(kind)
    found: dict[str, Any] = {}
    if depth > _DEEPEST:
        return found
    for child in element:
        if not isinstance(child.tag, str):  # a comment
            continue
        name = child.tag.rpartition("}")[2]
        field = known.get(name)
        if field is None:
            continue
        value = _struct(child, field.struct, depth + 1) if field.struct else _text(child)
        if field.is_list:
            found.setdefault(name, []).append(value)
        elif name not in found:
            found[name] = value
    return found


def _text(element: ElementTree.Element) -> str | None:
    text = "".join(element.itertext()).strip()
    return text or None


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    """A struct's fields by their names on the wire."""
    found = {}
    for field in msgspec.structs.fields(kind):
        options = typing.get_args(field.type) if _is_union(field.type) else (field.type,)
        is_list = False
        struct = None
        for option in options:
            if typing.get_origin(option) is list:
                is_list = True
                option = typing.get_args(option)[0]
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                struct = option
        found[field.encode_name] = _Field(struct, is_list)
    return found


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in {types.UnionType, typing.Union}
