"""What a file says cannot do anything to the terminal on which it is shown."""

from __future__ import annotations

import pytest

from kam.cli.console import out, print_table


def test_control_characters_are_printed_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Ber\x1b[31mta \u202egnp\u200b"
    print_table("Accounts", [{"Name": name}])
    out.print(name, markup=False)
    printed = capsys.readouterr().out
    assert printed.count(r"Ber\x1b[31mta \u202egnp\u200b") == 2
    assert "\x1b" not in printed
