"""Which columns a file has, and what each is good for: found out from what is known alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lanecast.delivery.model.shipments import Shipments, Text

_POSTCODE = ("postcode", "postal", "zip")
_MOST_TEXTS = 8
_MOST_NUMBERS = 40


@dataclass(frozen=True)
class Schema:
    """Extra columns by use: `numbers` as they are, `postcodes` by their prefixes, `texts` by how fast each was."""

    numbers: tuple[str, ...]
    postcodes: tuple[str, ...]
    texts: tuple[str, ...]
    places: dict[str, tuple[str, ...]]
    """The values known of each lane column that tells rows apart, in alphabetical order."""


def schema(known: Shipments) -> Schema:
    """The use of each column, from what is known of it. Columns are taken in alphabetical order."""
    numbers, postcodes, texts = [], [], []
    for name in sorted(known.extra):
        column = known.extra[name]
        present = _present(column)
        filled = np.array([bool(label) for label in column.labels])[column.codes].mean() if len(known) else 0.0
        if filled < 0.2 or len(present) < 2:
            continue
        if any(word in name.lower() for word in _POSTCODE):
            postcodes.append(name)
        elif np.isfinite(column.numbers()).mean() > 0.5 * filled:
            numbers.append(name)
        elif len(present) <= 0.5 * len(known):
            texts.append(name)
    places = {name: _present(text) for name, text in known.lane.items()}
    return Schema(
        tuple(numbers[:_MOST_NUMBERS]),
        tuple(postcodes[:4]),
        tuple(texts[:_MOST_TEXTS]),
        {name: values for name, values in places.items() if len(values) > 1},
    )


def _present(column: Text) -> tuple[str, ...]:
    return tuple(column.labels[code] for code in np.unique(column.codes) if column.labels[code])
