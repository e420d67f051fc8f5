"""How many examples the laws are tried on: the same hundred in each test run, a hundred thousand new ones in a soak.

`KAM_FUZZ_EXAMPLES` asks for a soak of that many; `KAM_FUZZ_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, seed, settings

_IN_A_TEST_RUN = 100
_ASKED_FOR = os.environ.get("KAM_FUZZ_EXAMPLES", "")
IS_SOAK = bool(_ASKED_FOR)
EXAMPLES = int(_ASKED_FOR or _IN_A_TEST_RUN)
SEED = int(os.environ.get("KAM_FUZZ_SEED") or random.SystemRandom().getrandbits(32)) if IS_SOAK else 0


def law(*, percent: int) -> Callable[[Any], Any]:
    """Mark a test as one law, tried on this share of the examples."""
    chosen = settings(
        max_examples=EXAMPLES * percent // 100,
        derandomize=not IS_SOAK,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )

    def apply(test: Any) -> Any:
        return seed(SEED)(chosen(test)) if IS_SOAK else chosen(test)

    return apply
