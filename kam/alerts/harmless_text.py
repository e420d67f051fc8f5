"""Makes text from data harmless in messages: mail, Slack, Teams and the others show it exactly as it is.

Services find markup, links and mentions in plain text, each by its own rules, and few of them have an escape. So
characters that could start one are replaced by characters that look alike.
"""

from __future__ import annotations

import re
import unicodedata

_LOOK_ALIKES = str.maketrans(
    {
        "<": "‹",
        ">": "›",
        "@": "＠",
        "*": "∗",
        "`": "ˋ",
        "~": "∼",
        "|": "¦",
        # Also UNC paths, which mail programs turn into links.
        "\\": "＼",
    }
)
# An entity, which one more round of unescaping would turn into its character.
_ENTITY = re.compile(r"&(?=#?\w+;)")
# Underscores inside a word, as in a file name, are not markup.
_EMPHASIS = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_SCHEME = re.compile(r":(?=//)|(?<=mailto):|(?<=javascript):", re.IGNORECASE)
_LINK = re.compile(r"\](?=[(\[])")
# Mail programs and Slack make a link of evil.example, but not of a file of ours.
_DOMAIN = re.compile(r"\.(?=[^\W\d_])(?!(?:csv|gz|zst|xlsx|xlsm|parquet|ndjson|json|txt|sql|toml|duckdb)\b)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def harmless(value: object, limit: int = 60) -> str:
    """A value as one line of at most `limit` characters that holds no markup, link, mention or invisible character."""
    text = " ".join(str(value).split())
    if len(text) > limit:
        text = f"{text[: limit - 1].rstrip()}…"
    visible = "".join("�" if unicodedata.category(character) in _INVISIBLE else character for character in text)
    harmless = _ENTITY.sub("＆", visible.translate(_LOOK_ALIKES))
    harmless = _EMPHASIS.sub(lambda found: "＿" * len(found[0]), harmless)
    return _DOMAIN.sub("․", _LINK.sub("] ", _SCHEME.sub("：", harmless)))
