"""New ids. They follow from the mail that a case or a letter comes from and from this instance's name: the same mail
acted on again, after a restore, gives the same, and whoever does not know the instance can guess none.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable

from workflow.core.language.prefixes import case_ids

CASE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
"""No vowels, so that no id is a word; no 0, 1, I, L, O, U, which look alike (contract section 1)."""

CASE_LENGTH = 4

SUM, SEAL = 16, 8
"""Hexadecimal digits of a token. The sum, 64 bits, is never twice; by the seal the instance knows it for its own."""

_TOKEN = re.compile(rf"\.([0-9a-f]{{{SUM}}})([0-9a-f]{{{SEAL}}})@")


def token(instance: str, name: str) -> str:
    """For the Message-ID of the letter of this name."""
    found = _digest(instance, f"letter {name}")[:SUM]
    return found + _seal(instance, found)


def is_foreign(instance: str, message_id: str) -> bool:
    """Whether a Message-ID with a token of ours was made by another instance; earlier versions made some without."""
    found = _TOKEN.search(message_id)
    return found is not None and found[2] != _seal(instance, found[1])


async def free_case_id(instance: str, key: str, knows: Callable[[str], Awaitable[bool]]) -> str:
    """The case id that the mail with this content key opens a case under: the first, in an order that follows from the
    key, that no case has, open or closed, and that is known for one where it is typed without brackets.
    """
    number = 0
    while True:
        digest = bytes.fromhex(_digest(instance, f"case {key} {number}"))
        found = "".join(CASE_ALPHABET[byte % len(CASE_ALPHABET)] for byte in digest[:CASE_LENGTH])
        if case_ids(found) == (found,) and not await knows(found):
            return found
        number += 1


def _seal(instance: str, found: str) -> str:
    return _digest(instance, f"seal {found}")[:SEAL]


def _digest(instance: str, text: str) -> str:
    return hmac.digest(instance.encode(), text.encode("utf-8", "replace"), "sha256").hex()
