"""Every carrier does what it promises: all capabilities, but for the exceptions that are known and given a reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conformance import capabilities
from conformance.capabilities import CAPABILITIES, YES, exemptions, measured, samples
from lanecast.carriers.parse import parse_file
from lanecast.carriers.registry import names
from lanecast.tracking import Parcel, Unreadable

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "carriers"


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("carrier", names())
def test_a_carrier_does_what_it_promises(carrier: str, capability: str) -> None:
    says = measured(carrier, capability)
    assert says
    exempt = exemptions().get((carrier, capability))
    if CAPABILITIES[capability].is_promised:
        assert says == (exempt.says if exempt else YES)
    else:
        assert exempt is None, "it describes: nothing is promised"


def test_exceptions_are_about_what_there_is_and_say_why() -> None:
    for (carrier, capability), exempt in exemptions().items():
        assert carrier in names()
        assert capability in CAPABILITIES
        assert exempt.says.startswith("no: ")
        assert exempt.why


@pytest.mark.parametrize("capability", ["delivered", "returned", "out_for_delivery", "available_for_pickup"])
def test_the_ends_of_a_journey_have_no_exceptions(capability: str) -> None:
    assert [exempt for exempt in exemptions().values() if exempt.capability == capability] == []


def test_no_known_exception_reads_more_than_is_so() -> None:
    """A milestone that ends a journey is never what something else is read as."""
    ends = ("`delivered`", "`returned`", "`lost`", "`cancelled`", "`destroyed`")
    assert [exempt for exempt in exemptions().values() if any(end in exempt.says for end in ends)] == []


def test_each_sample_is_of_a_known_carrier_and_listed_once() -> None:
    assert {one.carrier for one in samples()} <= set(names())
    assert max(Counter(one.file for one in samples()).values()) == 1
    assert {one.carrier for one in samples()} >= {"ups", "fedex", "dhl", "usps"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the carriers' sample answers are not beside this checkout")
@pytest.mark.parametrize("sample", samples(), ids=lambda one: one.file)
def test_a_public_sample_is_read_in_full(sample: capabilities.Sample) -> None:
    found = list(parse_file(sample.carrier, SAMPLES / sample.file))
    assert [one for one in found if isinstance(one, Unreadable)] == []
    parcels = [one for one in found if isinstance(one, Parcel)]
    events = [event for parcel in parcels for event in parcel.events]
    assert (len(parcels), len(events)) == (sample.parcels, sample.events)
    assert all(event.mapped for event in events)
    origin = (SAMPLES / "SOURCES.txt").read_text(encoding="utf-8")
    assert f"{sample.file}: {sample.repository} {sample.path} " in origin


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the carriers' sample answers are not beside this checkout")
def test_no_sample_at_hand_is_left_out() -> None:
    answers = {
        path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.*") if path.suffix in {".json", ".xml"}
    }
    assert {one.file for one in samples()} == answers
