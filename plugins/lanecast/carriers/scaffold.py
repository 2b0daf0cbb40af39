"""The skeleton of a carrier: what `lanecast carrier new` writes.

Its wire format is made up, yet all of it works: the adapter reads what the stand-in answers, the table knows every
code, the tests pass. The texts lie in `templates/`; comments in them say what the carrier's own replaces.
"""

from __future__ import annotations

import csv
import io
import keyword
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from lanecast import settings
from lanecast.carriers import registry

PACKAGE = Path(__file__).resolve().parents[1]
"""The package that runs: the skeleton is written into the checkout that it lies in."""
TEMPLATES = Path(__file__).parent / "templates"
FILES = {
    "plugins/lanecast/carriers/{name}.py": "adapter.py.txt",
    "include/reference/status_codes/{name}.csv": "status_codes.csv.txt",
    "plugins/lanecast/sandbox/wire/{name}.py": "stand_in.py.txt",
    "tests/unit/carriers/test_{name}.py": "test.py.txt",
}
"""What is written, below the checkout, and the template of each."""
REGISTRY = "include/reference/carriers.csv"
LONGEST_TITLE = 40
_SLUG = re.compile(r"[a-z][a-z0-9_]{1,30}")


class CannotScaffold(ValueError):
    """Nothing was written, and why."""


def new(name: str, title: str | None = None) -> list[str]:
    """Writes a carrier's module, code table, stand-in and test, and adds its registry row: all of them, or nothing.

    The paths come back relative to the checkout, the test's last. CannotScaffold if the name or the title won't do, if
    anything of it is there already, or if this is no checkout that can be written to.
    """
    home = settings.home()
    if not _SLUG.fullmatch(name) or keyword.iskeyword(name):
        raise CannotScaffold(
            f"{name!r} can't be a carrier's name: give 2 to 31 small letters, digits and _, a letter first, and no word"
            " of Python's own, such as example_post"
        )
    title = " ".join((title or name.replace("_", " ").title()).split())
    if not title or len(title) > LONGEST_TITLE or not title.isprintable() or '"' in title or "\\" in title:
        raise CannotScaffold(f"the title is 1 to {LONGEST_TITLE} characters without double quotes and backslashes")
    _check_checkout(home)
    _check_name(name)
    texts = _texts(name, title)
    _check_free(home, name, texts)
    _write(home, texts, _registry_row(home, name, title))
    *others, test = texts
    return [*others, REGISTRY, test]


def _check_name(name: str) -> None:
    if name in registry.rows():
        raise CannotScaffold(f"there is a carrier called {name!r}: its module is plugins/lanecast/carriers/{name}.py")
    from lanecast.sandbox import wire

    # A stand-in is a module of that package, and must not take the place of one of its functions.
    is_taken = hasattr(wire, name) or (PACKAGE / "carriers" / f"{name}.py").exists()
    if is_taken or (PACKAGE / "carriers" / name).exists():
        raise CannotScaffold(f"{name!r} is the name of a part of Lanecast: choose another")


def _check_checkout(home: Path) -> None:
    how = "clone the repository, run `make setup-dev` there, and then its .venv/bin/lanecast"
    targets = [*(str(Path(path).parent) for path in FILES), REGISTRY]
    missing = next((path for path in targets if not (home / path).exists()), None)
    if missing is not None:
        raise CannotScaffold(f"a carrier is added to a checkout, and {home} is none (it has no {missing}): {how}")
    if (home / "plugins" / "lanecast").resolve() != PACKAGE:
        raise CannotScaffold(f"the code that runs lies in {PACKAGE}, not in {home}: run that one's .venv/bin/lanecast")
    closed = next((path for path in targets if not os.access(home / path, os.W_OK)), None)
    if closed is not None:
        raise CannotScaffold(f"{home / closed} can't be written to: run this as the checkout's owner, or {how}")


def _check_free(home: Path, name: str, texts: dict[str, str]) -> None:
    there = [path for path in texts if os.path.lexists(home / path)]
    # pytest takes two test files of one name for one module, wherever they lie.
    tests = (home / "tests").rglob(f"test_{name}.py")
    there += sorted({str(path.relative_to(home)) for path in tests} - {*there})
    if there:
        raise CannotScaffold(f"{', '.join(there)}: there already, so nothing was written")


def _texts(name: str, title: str) -> dict[str, str]:
    """The files by path, as they are to be."""
    templates = {path: (TEMPLATES / file).read_text(encoding="utf-8") for path, file in FILES.items()}
    words = {
        "name": name,
        "title": title,
        "cls": _class_name(name, "\n".join(templates.values())),
        "prefix": name.replace("_", "")[:3].upper(),
        "source": f"{title} tracking API: replace by the document and address the code was read from",
        "today": datetime.now(UTC).date().isoformat(),
    }
    return {path.format(name=name): Template(text).substitute(words) for path, text in templates.items()}


def _class_name(name: str, code: str) -> str:
    """A class's name, such as ExamplePost, that the code of the templates does not use for anything else."""
    made = "".join(part.capitalize() for part in name.split("_"))
    return f"{made}Carrier" if keyword.iskeyword(made) or re.search(rf"\b{made}\b", code) else made


def _registry_row(home: Path, name: str, title: str) -> str:
    row = registry.CarrierRow(
        name=name,
        title=title,
        kind="carrier",
        base_url=f"https://api.{name.replace('_', '-').strip('-')}.example",
        credentials="password",
        max_concurrency=2,
        requests_per_second=1,
        time_rule="offset_in_time",
        limits_from="cautious: replace by the document that tells the limits",
    )
    with (home / REGISTRY).open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([getattr(row, column) for column in columns])
    return line.getvalue()


def _write(home: Path, texts: dict[str, str], row: str) -> None:
    """All files, the registry's row last: a carrier is known when the rest of it is there."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with (home / path).open("x", encoding="utf-8", newline="\n") as file:
                written.append(home / path)
                file.write(text)
        _append(home / REGISTRY, row)
    except OSError as error:
        for one in written:
            one.unlink(missing_ok=True)
        raise CannotScaffold(f"nothing was written: {error}") from None


def _append(path: Path, row: str) -> None:
    before = path.read_bytes()
    line_break = "\n" if before and not before.endswith(b"\n") else ""
    try:
        with path.open("ab") as file:
            file.write(f"{line_break}{row}".encode())
    except OSError:
        os.truncate(path, len(before))
        raise
