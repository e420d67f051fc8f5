"""What can be installed: a checkout in place, and no wheel."""

from __future__ import annotations

import pytest

from hatch_build import EditableOnly
from tests.support import REPOSITORY


def hook() -> EditableOnly:
    return EditableOnly(str(REPOSITORY), {}, None, None, "", "wheel")  # type: ignore[arg-type]


def test_a_wheel_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(SystemExit, match="pip install --editable"):
        hook().initialize("standard", {})


def test_an_editable_install_goes_on() -> None:
    hook().initialize("editable", {})
