"""New ids, from the system's randomness: `core` is pure, so chance is passed in."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from workflow.core.language.prefixes import case_ids

CASE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
"""No vowels, so that no id is a word; no 0, 1, I, L, O, U, which look alike (contract section 1)."""

TOKEN_BYTES = 10
"""80 bits: a Message-ID is never guessed and never twice."""


def token() -> str:
    return secrets.token_hex(TOKEN_BYTES)


async def free_case_id(knows: Callable[[str], Awaitable[bool]]) -> str:
    """A case id that no case has, open or closed, and that is known for one where it is typed without brackets."""
    while True:
        drawn = "".join(secrets.choice(CASE_ALPHABET) for _ in range(4))
        if case_ids(drawn) == (drawn,) and not await knows(drawn):
            return drawn
