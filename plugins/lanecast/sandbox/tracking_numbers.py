"""Tracking numbers in each carrier's own form, with its check digit, that tell day and index of the order.

So the sandbox finds a parcel without keeping a list: days are counted from 2020-01-01 (4 digits), the index within
the day has 4 digits, carriers that number pieces have one digit for the piece. The salt makes a number that was never
given out unlikely to be found; whoever reads a number builds it again and compares.
"""

from __future__ import annotations

from typing import NamedTuple

from lanecast.sandbox.draws import uniform

_FIRST_DAY = 18262  # 2020-01-01, in days since 1970
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


class Located(NamedTuple):
    """What a number says: day since 1970, place (index) within the day, piece from 0."""

    day: int
    place: int
    piece: int


def tracking_number(seed: int, carrier: str, service: str, day: int, index: int, piece: int = 0) -> str:
    """The number of a piece. Raises ValueError where day or index have no room in it, or the carrier is unknown."""
    from lanecast.sandbox.wire import stand_in  # the stand-ins tell of shipments, and these have numbers

    ago = day - _FIRST_DAY
    if not (0 <= ago <= 9999 and 0 <= index <= 9999 and 0 <= piece <= 9):
        raise ValueError(f"no tracking number for day {day}, index {index}, piece {piece}: outside 2020 to 2047")
    salt = int(uniform(seed, "number", carrier, day, index) * 1000)
    return stand_in(carrier).number(ago, index, piece, salt, service)


def locate(carrier: str, number: str) -> Located | None:
    """Where a number's order is to be looked for, or None where it is not a number of this carrier."""
    from lanecast.sandbox.wire import stand_in

    digits = stand_in(carrier).digits_of(number)
    if digits is None or len(digits) != 9 or not (digits.isascii() and digits.isdigit()):
        return None
    return Located(int(digits[:4]) + _FIRST_DAY, int(digits[4:8]), int(digits[8]))


def service_digits(service: str) -> int:
    """Two digits, 10 to 99, that stand for a service's code."""
    return sum(map(ord, service)) % 90 + 10


def service_letter(service: str, salt: int = 0) -> str:
    """A letter, A to Z, that stands for a service's code."""
    return chr(65 + (service_digits(service) + salt) % 26)


def piece_number(shipment_number: str, piece: int) -> str:
    """DHL's identifier of a piece (licence plate) within a shipment."""
    return f"JD01{shipment_number[-12:]:0>12}{piece + 1:04d}"


def ups_check(body: str) -> int:
    """UPS: letters count as their place in the alphabet + 1, every second character counts twice, modulo 10."""
    values = [int(letter) if letter.isdigit() else (ord(letter) - 63) % 10 for letter in body]
    return -(sum(values[0::2]) + 2 * sum(values[1::2])) % 10


def fedex_check(body: str) -> int:
    """FedEx Express: weights 3, 1, 7 from the left, modulo 11, 10 counts as 0."""
    return sum(int(digit) * (3, 1, 7)[place % 3] for place, digit in enumerate(body)) % 11 % 10


def gs1_check(body: str) -> int:
    """GS1 (SSCC): weights 3 and 1 from the right, modulo 10."""
    return -sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(body))) % 10


def s10_check(body: str) -> int:
    """UPU S10: weights 8 6 4 2 3 5 9 7, 11 less the rest; 10 becomes 0 and 11 becomes 5."""
    check = 11 - sum(int(digit) * weight for digit, weight in zip(body, _S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(check, check)


def s10_number(letters: str, ago: int, index: int, country: str) -> str:
    """A number of UPU S10: two letters, the eight digits of day and index, a check digit, the country of posting."""
    body = f"{ago:04d}{index:04d}"
    return f"{letters}{body}{s10_check(body)}{country}"


def s10_digits(number: str, country: str) -> str | None:
    """The nine digits (see locate) of a number of UPU S10 posted in `country`; None for any other text."""
    return number[2:10] + "0" if len(number) == 13 and number.endswith(country) else None
