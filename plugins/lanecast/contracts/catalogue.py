"""What the warehouse's catalogue has from the contracts: comments and grants of every dataset in `core` and `mart`.

`lanecast migrate` applies both; a relation of these schemas without a contract, or one that differs from its contract,
stops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psycopg2 import sql

from lanecast.contracts.reader import Contract, ContractError, Property, Table, contract, datasets
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.statements import statement

SCHEMAS = ("core", "mart")
_PRIVILEGES = {"read": "SELECT", "write": "SELECT, INSERT, UPDATE, DELETE"}


@dataclass
class Relation:
    """A relation or function as it is in the warehouse: its columns as (name, type, required, place in the key), its
    arguments as (name, type, default)."""

    name: str
    kind: str
    identity: str
    columns: list[tuple[str, str, bool | None, int]] = field(default_factory=list)
    arguments: list[tuple[str, str, str | None]] = field(default_factory=list)


def apply(link: Connection) -> None:
    """Writes comments and grants of all datasets anew, in the caller's transaction, as the owner of the schemas.

    Raises ContractError, naming each dataset, where warehouse and contracts differ.
    """
    contracts = {name: contract(name) for name in datasets()}
    found = relations(link)
    if problems := differences(contracts.values(), found):
        raise ContractError("the warehouse and the contracts differ:\n- " + "\n- ".join(problems))
    by_name = {one.name: one for one in found}
    with link.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        roles = {row[0] for row in cursor.fetchall()}
        steps = [*_revocations(_grantees(link))]
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
        for name, kind, identity, direction, _, told, type_, required, place, default in cursor.fetchall():
            one = found.setdefault(identity, Relation(name, kind, identity))
            if told is not None and direction == "in":
                one.arguments.append((told, type_, default))
            elif told is not None:
                one.columns.append((told, type_, required, place))
    return list(found.values())


def differences(contracts: Iterable[Contract], found: Iterable[Relation]) -> list[str]:
    """Where relations and contracts differ, one sentence each: by presence, kind, columns and their types; for tables
    by nullability and primary key, for views and functions by the order of columns, for functions by arguments."""
    by_name: dict[str, list[Relation]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    tables = {one.table.physical_name: one.table for one in contracts}
    problems = []
    for name in sorted(by_name.keys() - tables.keys()):
        problems.append(f"{name} has no contract: write include/contracts/{name.partition('.')[2]}.yaml")
    for name in sorted(tables.keys() - by_name.keys()):
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


def _grantees(link: Connection) -> list[str]:
    """Who has been granted something on a relation or function of the schemas: what is not granted anew ends."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT pg_get_userbyid(held.grantee) FROM ("
            "SELECT relnamespace AS schema, relowner AS owner, relacl AS rights FROM pg_class "
            "UNION ALL SELECT pronamespace, proowner, proacl FROM pg_proc"
            ") AS thing CROSS JOIN LATERAL aclexplode(thing.rights) AS held "
            "WHERE thing.schema::regnamespace::text = ANY(%s) AND held.grantee NOT IN (0, thing.owner) ORDER BY 1",
            (list(SCHEMAS),),
        )
        return [row[0] for row in cursor.fetchall()]


def _revocations(grantees: list[str]) -> Iterator[sql.Composable]:
    schemas = sql.SQL(", ").join(map(sql.Identifier, SCHEMAS))
    everyone = sql.SQL(", ").join([sql.SQL("PUBLIC"), *map(sql.Identifier, grantees)])
    for kind in ("TABLES", "ROUTINES"):
        yield sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA {} FROM {}").format(sql.SQL(kind), schemas, everyone)


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
                sql.SQL(_PRIVILEGES[one.access]), sql.Identifier(*relation.name.split(".")), role
            )
