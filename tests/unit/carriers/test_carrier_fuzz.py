"""Ten thousand mutated answers for each parser: none raises, and no parcel is lost.

What must hold of all that is read stands in conformance.soundness; the mutations in conformance.mutations.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.answers import Told, answers
from conformance.mutations import MUTATED_ANSWERS, mutate
from conformance.soundness import read
from lanecast import raw
from lanecast.carriers import parse
from lanecast.carriers.answer import same_number
from lanecast.carriers.http import Answer
from lanecast.carriers.registry import names
from lanecast.follow import answers as stored
from lanecast.tracking import MILESTONES, Parcel, Unreadable

EXAMPLES = 100
MUTATIONS_OF_AN_EXAMPLE = MUTATED_ANSWERS // EXAMPLES
READ_TWICE = 4
"""Every fourth answer is read twice."""


def drawn(chance: Random, carrier: str) -> Told:
    """A mutated answer and the numbers asked for; half of them come from the answer about most parcels."""
    told = answers(carrier)[0] if chance.random() < 0.5 else chance.choice(answers(carrier))
    return Told(mutate(chance, told, answers(carrier)), told.requested)


@pytest.mark.parametrize("carrier", names())
def test_no_mutated_answer_raises_or_loses_a_parcel(carrier: str) -> None:
    counts: Counter[str] = Counter()

    # Without shrinking: an example is a seed, and a smaller one is no simpler answer.
    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate]
    )
    @given(st.integers(min_value=0, max_value=2**64 - 1))
    def run(seed: int) -> None:
        chance = Random(seed)
        for number in range(MUTATIONS_OF_AN_EXAMPLE):
            told = drawn(chance, carrier)
            parsed = read(carrier, told.body, told.requested)
            if number % READ_TWICE == 0:
                assert parsed == list(parse.parsed(carrier, told.body, told.requested)), told.body
            counts["answers"] += 1
            counts["with events"] += any(isinstance(one, Parcel) and one.events for one in parsed)
            counts["with complaints"] += any(isinstance(one, Unreadable) for one in parsed)

    run()
    assert counts["answers"] >= MUTATED_ANSWERS
    # Mutations that leave nothing to read, or nothing to complain of, would prove little.
    assert counts["with events"] > 0.5 * counts["answers"], counts
    assert counts["with complaints"] > 0.2 * counts["answers"], counts


@pytest.mark.parametrize("carrier", names())
def test_every_parcel_of_a_mutated_answer_has_an_outcome(
    carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the raw store to staged rows, as a pull stages what it has got."""
    monkeypatch.setenv("LANECAST_RAW", str(tmp_path))
    chance = Random(4)
    mutated = [drawn(chance, carrier) for _ in range(30)]
    at = datetime(2026, 6, 1, tzinfo=UTC)
    with raw.RawWriter(carrier, "run", shard=0, attempt=1, at=at) as writer:
        pointers = [
            writer.append(
                Answer(
                    carrier=carrier,
                    requested=told.requested,
                    url="https://carrier.test/track",
                    requested_at=at,
                    answered_at=at,
                    status=200,
                    body=told.body,
                )
            )
            for told in mutated
        ]
    staged = 0
    for number, (told, pointer) in enumerate(zip(mutated, pointers, strict=True), start=1):
        index = stored.Indexed(
            number, carrier, list(told.requested), pointer.file, pointer.byte_offset, pointer.byte_length
        )
        outcome = stored.Told()
        rows = list(stored.event_rows([index], {}, outcome))
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        parsed = read(carrier, told.body, told.requested)
        events = [event for one in parsed if isinstance(one, Parcel) for event in one.events]
        complaints = [one.problem for one in parsed if isinstance(one, Unreadable)]
        assert sorted(row[-1] for row in rows if row[-1] is not None) == sorted(complaints)
        assert [row[10] in MILESTONES for row in rows if row[-1] is None] == [True] * len(events)
        outcomes = {same_number(asked): came_of_it for (_, asked), came_of_it in outcome.outcomes.items()}
        for asked in told.requested:
            kind, problem = outcomes[same_number(asked)]
            assert kind in {"answered", "not_found", "failed"}
            assert (problem is None) == (kind != "failed")
        staged += len(rows)
    assert staged > len(mutated)
