"""What the warehouse's catalogue has from the contracts: comments and grants of every dataset in `core` and `mart`.

`lanecast migrate` applies both; a relation of these schemas without a contract, or one that differs from its contract,
stops it. What others have made in these schemas is theirs: it is named, and left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from psycopg2 import sql

from lanecast.contracts.reader import Contract, ContractError, Property, Table, contract, datasets
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

OWNER = "lanecast_owner"
_PRIVILEGES = {"read": ("SELECT",), "write": ("SELECT", "INSERT", "UPDATE", "DELETE")}
_OUR_OWN = "lanecast_loader"
"""The role of Lanecast's own work: nobody else is surprised by what it may no longer do."""


@dataclass
class Relation:
    """A relation or function as it is in the warehouse: its columns as (name, type, required, place in the key), its
    arguments as (name, type, default)."""

    name: str
    kind: str
    identity: str
    owner: str
    columns: list[tuple[str, str, bool | None, int]] = field(default_factory=list)
    arguments: list[tuple[str, str, str | None]] = field(default_factory=list)


class Right(NamedTuple):
    """What a role may do on a relation or function of Lanecast's: SELECT, EXECUTE, ... `by_default` is what Postgres
    gives to everyone unless told otherwise."""

    kind: str
    identity: str
    name: str
    role: str
    access: str
    by_default: bool


def apply(link: Connection) -> None:
    """Writes comments and grants of all datasets anew, in the caller's transaction, as the owner of the schemas.

    What others own is left alone, and rights that no contract grants end: a warning names both. Raises ContractError,
    naming each dataset, where warehouse and contracts differ.
    """
    contracts = {name: contract(name) for name in datasets()}
    found = relations(link)
    if problems := differences(contracts.values(), found):
        raise ContractError("the warehouse and the contracts differ:\n- " + "\n- ".join(problems))
    if left_alone := of_others(found):
        log.warning("left alone, for they are not Lanecast's: %s", ", ".join(left_alone))
    by_name = {one.name: one for one in found if one.owner == OWNER}
    held = _rights(link)
    for loss in _losses(held, contracts.values()):
        log.warning("%s", loss)
    with link.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        roles = {row[0] for row in cursor.fetchall()}
        steps = [*_revocations(held)]
        for terms in contracts.values():
            relation = by_name[terms.table.physical_name]
            steps += _comments(relation, terms.table)
            steps += _grants(relation, terms, roles)
        cursor.execute(sql.SQL(";\n").join(steps))


def relations(link: Connection) -> list[Relation]:
    """The tables, views and functions of schemas core and mart; partitions count as their table."""
    found: dict[str, Relation] = {}
    with link.cursor() as cursor:
        cursor.execute(statement("access/datasets"))
        for name, kind, identity, owner, direction, _, told, type_, required, place, default in cursor.fetchall():
            one = found.setdefault(identity, Relation(name, kind, identity, owner))
            if told is not None and direction == "in":
                one.arguments.append((told, type_, default))
            elif told is not None:
                one.columns.append((told, type_, required, place))
    return list(found.values())


def of_others(found: Iterable[Relation]) -> list[str]:
    """The relations and functions that are not Lanecast's own, each with its owner."""
    return sorted(f"{one.identity} (of {one.owner})" for one in found if one.owner != OWNER)


def differences(contracts: Iterable[Contract], found: Iterable[Relation]) -> list[str]:
    """Where Lanecast's own relations and the contracts differ, one sentence each: by presence, kind, columns and their
    types; for tables by nullability and primary key, for views and functions by the order of columns, for functions by
    arguments."""
    by_name: dict[str, list[Relation]] = {}
    others: dict[str, Relation] = {}
    for one in found:
        if one.owner == OWNER:
            by_name.setdefault(one.name, []).append(one)
        else:
            others[one.name] = one
    tables = {one.table.physical_name: one.table for one in contracts}
    problems = []
    for name in sorted(by_name.keys() - tables.keys()):
        problems.append(f"{name} has no contract: write include/contracts/{name.partition('.')[2]}.yaml")
    for name in sorted(tables.keys() - by_name.keys()):
        if name in others:
            one = others[name]
            problems.append(
                f"{name} has a contract and belongs to {one.owner}: give it back "
                f"(ALTER {one.kind.upper()} {one.identity} OWNER TO {OWNER})"
            )
            continue
        problems.append(f"{name} has a contract and is not in the warehouse: make it, or take the contract out")
    for name in sorted(tables.keys() & by_name.keys()):
        if len(by_name[name]) > 1:
            problems.append(f"{name} is there {len(by_name[name])} times: a contract is about one function of a name")
            continue
        problems += (f"{name}: {problem}" for problem in _difference(tables[name], by_name[name][0]))
    return problems


def _difference(table: Table, found: Relation) -> Iterator[str]:
    if found.kind != table.physical_type:
        yield f"is a {found.kind}, by its contract a {table.physical_type}"
        return
    there = {name: (type_, required, place) for name, type_, required, place in found.columns}
    told = {column.name: column for column in table.properties}
    for name in there.keys() - told.keys():
        yield f"column {name} is not in the contract"
    for name in told.keys() - there.keys():
        yield f"column {name} of the contract is not there"
    for name in sorted(told.keys() & there.keys()):
        type_, required, place = there[name]
        column = told[name]
        if type_ != column.physical_type:
            yield f"column {name} is {type_}, by its contract {column.physical_type}"
        if found.kind == "table" and required != column.required:
            yield f"column {name} is {'NOT NULL' if required else 'nullable'}, by its contract the other"
        if found.kind == "table" and place != (column.primary_key_position if column.primary_key else 0):
            yield f"column {name} has another place in the primary key than by its contract"
    if found.kind != "table" and there.keys() == told.keys() and list(there) != list(told):
        yield f"columns are in the order {', '.join(there)}, by the contract {', '.join(told)}"
    arguments = [(one.name, one.physical_type, one.default) for one in table.arguments]
    if arguments != found.arguments:
        yield f"arguments are {_listed(found.arguments)}, by the contract {_listed(arguments)}"


def _listed(arguments: list[tuple[str, str, str | None]]) -> str:
    return ", ".join(f"{name} {type_}{f' = {default}' if default else ''}" for name, type_, default in arguments)


# ------------------------------------------------------------------------------------------------------- comments


def comment(table: Table) -> str:
    """What the catalogue says of a dataset: meaning and grain; of a function also arguments and returned columns."""
    text = f"{_sentence(table.description)} Grain: {_lowered(_sentence(table.data_granularity_description))}"
    if table.physical_type != "function":
        return text
    lines = [text, "Arguments:"]
    lines += (f"  {one.name} {one.physical_type}: {_sentence(one.description)}" for one in table.arguments)
    lines.append("Returns:")
    lines += (f"  {one.name} {one.physical_type}: {column_comment(one)}" for one in table.properties)
    return "\n".join(lines)


def column_comment(column: Property) -> str:
    """What the catalogue says of a column: meaning and unit."""
    return _sentence(column.description) + (f" Unit: {column.unit}." if column.unit else "")


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _comments(relation: Relation, table: Table) -> Iterator[sql.Composable]:
    # A function's identity comes from the catalogue, as Postgres itself writes it.
    subject = {"table": "TABLE", "view": "VIEW", "function": "FUNCTION"}[relation.kind]
    yield sql.SQL("COMMENT ON {} {} IS {}").format(
        sql.SQL(subject), sql.SQL(relation.identity), sql.Literal(comment(table))
    )
    if relation.kind != "function":
        for column in table.properties:
            name = sql.Identifier(*table.physical_name.split("."), column.name)
            yield sql.SQL("COMMENT ON COLUMN {} IS {}").format(name, sql.Literal(column_comment(column)))


# --------------------------------------------------------------------------------------------------------- grants


def _rights(link: Connection) -> list[Right]:
    with link.cursor() as cursor:
        cursor.execute(statement("access/rights"))
        return [Right(*row) for row in cursor.fetchall()]


def _losses(held: Iterable[Right], contracts: Iterable[Contract]) -> Iterator[str]:
    """Who loses what, for no contract grants it, and how to keep it. One sentence per role."""
    granted = {
        (terms.table.physical_name, one.role, access)
        for terms in contracts
        for one in terms.roles
        for access in (("EXECUTE",) if terms.table.physical_type == "function" else _PRIVILEGES[one.access])
    }
    lost: dict[str, dict[str, list[str]]] = {}
    for right in held:
        if not right.by_default and right.role != _OUR_OWN and (right.name, right.role, right.access) not in granted:
            rights = lost.setdefault(right.role, {}).setdefault(right.name, [])
            rights += [right.access] if right.access not in rights else []
    for role, relations_ in sorted(lost.items()):
        told = ", ".join(f"{name} ({', '.join(rights)})" for name, rights in sorted(relations_.items()))
        files = ", ".join(f"{name.partition('.')[2]}.yaml" for name in sorted(relations_))
        yield (
            f"role {role} loses its rights on {told}: the contracts' `roles` decide who may do what. To keep them, "
            f"name the role under `roles` in include/contracts ({files}) and run `lanecast migrate`"
        )


def _revocations(held: Iterable[Right]) -> Iterator[sql.Composable]:
    roles: dict[tuple[str, str], set[str]] = {}
    for right in held:
        roles.setdefault((right.kind, right.identity), set()).add(right.role)
    for (kind, identity), names in roles.items():
        everyone = [sql.SQL(name) if name == "PUBLIC" else sql.Identifier(name) for name in sorted(names)]
        # An identity comes from the catalogue, as Postgres itself writes it. What was granted onward ends too.
        yield sql.SQL("REVOKE ALL ON {} {} FROM {} CASCADE").format(
            sql.SQL(kind), sql.SQL(identity), sql.SQL(", ").join(everyone)
        )


def _grants(relation: Relation, terms: Contract, roles: set[str]) -> Iterator[sql.Composable]:
    for one in terms.roles:
        if one.role not in roles:
            raise ContractError(
                f"the contract of {terms.dataset} grants to role {one.role!r}, which this server does not have: "
                f"make it (CREATE ROLE {one.role} NOLOGIN), or take it out of the contract"
            )
        role = sql.Identifier(one.role)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(relation.name.partition(".")[0]), role)
        if relation.kind == "function":
            yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(relation.identity), role)
        else:
            yield sql.SQL("GRANT {} ON {} TO {}").format(
                sql.SQL(", ".join(_PRIVILEGES[one.access])), sql.Identifier(*relation.name.split(".")), role
            )
