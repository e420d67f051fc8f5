"""The macros that round amounts, against Python's decimals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal, getcontext

import pytest

from kam.warehouse import memory

getcontext().prec = 60
CENTS, FOUR, EIGHT = Decimal("0.01"), Decimal("0.0001"), Decimal("0.00000001")
RATES = [Decimal(text) for text in ("1", "1.1415", "0.0061728395", "152.3456789012", "0.5", "0.0000000001")]


def half_away(exact: Decimal, digit: Decimal) -> Decimal:
    return exact.quantize(digit, ROUND_HALF_UP)


def numbers() -> list[Decimal]:
    """Amounts of four digits of every size, and those next to half a cent; each positive and negative."""
    some = random.Random(3)  # noqa: S311 - the same numbers each time
    sized = [Decimal(some.randrange(10 ** some.randrange(1, 18))).scaleb(-4) for _ in range(2000)]
    ties = [Decimal(some.randrange(10 ** some.randrange(1, 14))).scaleb(-2) + Decimal("0.005") for _ in range(300)]
    return [sign * number for number in [Decimal(0), *sized, *ties] for sign in (1, -1)]


def pairs() -> list[tuple[Decimal, Decimal]]:
    """Each number with a rate; and rates that bring a product to half a cent, and to just below it."""
    some = random.Random(4)  # noqa: S311 - the same rates each time
    found = [(number, some.choice(RATES)) for number in numbers()]
    near = [
        Decimal("0.005"),
        Decimal("0.0049999999"),
        Decimal("0.0049995"),
        Decimal("0.00499951"),
        Decimal("0.0050000001"),
    ]
    return [*found, *((Decimal(whole), rate) for whole in (1, -1) for rate in near)]


def check(
    macro: str, rows: Iterable[tuple[Decimal, ...]], types: tuple[str, ...], expected: Callable[..., Decimal]
) -> None:
    given = list(rows)
    with memory() as con:
        con.execute(f"CREATE TABLE given ({', '.join(f'p{no} {name}' for no, name in enumerate(types))})")
        names = ", ".join(f"p{no}" for no in range(len(types)))
        cells = ", ".join(f"unnest(?::VARCHAR[])::{name}" for name in types)
        con.execute(
            f"INSERT INTO given SELECT {cells}",
            [[str(value) for value in column] for column in zip(*given, strict=True)],
        )
        found = [row[0] for row in con.execute(f"SELECT {macro}({names}) FROM given ORDER BY rowid").fetchall()]
    assert found == [expected(*row) for row in given]


def test_an_exact_amount_is_rounded_half_away_from_zero() -> None:
    check("to_cents", ((n,) for n in numbers()), ("DECIMAL(34, 4)",), lambda n: half_away(n, CENTS))
    check("money_round", ((n,) for n in numbers()), ("DECIMAL(34, 4)",), lambda n: half_away(n, CENTS))


def test_a_converted_amount_is_the_exact_product_rounded_once() -> None:
    types = ("DECIMAL(34, 4)", "DECIMAL(18, 10)")
    check("converted", pairs(), types, lambda amount, rate: half_away(amount * rate, CENTS))


def test_a_line_amount_is_the_exact_product_rounded_once() -> None:
    types = ("DECIMAL(18, 4)", "DECIMAL(24, 10)")
    check("line_amount", pairs(), types, lambda quantity, price: half_away(quantity * price, FOUR))


@pytest.mark.parametrize("macro", ["at_rate", "exact_product"])
def test_an_amount_for_a_sum_has_eight_digits(macro: str) -> None:
    types = ("DECIMAL(28, 8)", "DECIMAL(18, 10)")
    check(macro, pairs(), types, lambda amount, rate: half_away(amount * rate, EIGHT))


def test_what_is_unknown_stays_unknown() -> None:
    with memory() as con:
        found = con.execute(
            "SELECT to_cents(NULL::DECIMAL(34, 4)), converted(1.5, NULL::DECIMAL(18, 10)), line_amount(NULL::DECIMAL(18, 4), 2.5), "
            "at_rate(NULL::DECIMAL(18, 4), 1), money_round(NULL::DOUBLE), exact_product(2.5, NULL::DECIMAL(18, 4))"
        ).fetchone()
    assert found == (None,) * 6
