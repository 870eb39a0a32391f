"""What is taken out of a case when its names are wiped, and what an erased case leaves in the letters of others.

Pure: when that is due is `workflow.upkeep`'s, which files it concerns the store's. Everything that `figures` counts
stays: kinds, times, outcomes, and who reported. Contract section 6, ``[privacy]``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from workflow.core.language.names import shown
from workflow.core.model import Case, Datum, Letter, Post

FREE = frozenset({"text", "detail", "line", "lines", "others", "open", "closed"})
"""What of a letter's `data` quotes people, or lists cases with their clients."""

ERASED = "(erased)"
"""What stands for an erased client's name in what others wrote."""

WORTH_SEEKING = 12
"""Characters: a shorter line ("SENT", "NOSHOW Sam") is written so often that finding it again says nothing."""


def wiped(case: Case, now: datetime) -> Case:
    """The case without the client's name and without anything that a person wrote freely."""
    return replace(
        case,
        client=None,
        outcome_note=None,
        notes=(),
        history=tuple(replace(entry, text="") for entry in case.history),
        before=None if case.before is None else replace(case.before, outcome_note=None),
        letters=tuple(map(wiped_letter, case.letters)),
        wiped_at=now,
    )


def wiped_letter(letter: Letter) -> Letter:
    """The letter likewise. One that is still owed goes all the same, and says less."""
    facts = letter.facts
    if facts is not None:
        facts = replace(facts, client=None, outcome_note=None, note=None, unclear=None)
    data = {name: value for name, value in letter.data.items() if name not in FREE}
    own = (None, letter.case)  # what is offered about other cases is labelled with their clients
    words = tuple(choice for choice in letter.choices if " " not in choice.line and choice.case in own)
    words = () if letter.topic == "other-client" else words  # labelled with its own
    return replace(letter, facts=facts, data=data, choices=words)


def is_about(letter: Letter, case_id: str) -> bool:
    return case_id in (letter.case, letter.facts.case if letter.facts is not None else None)


def names_case(letter: Letter, case_id: str) -> bool:
    """Whether a letter is about this case, or offers it as a choice."""
    return is_about(letter, case_id) or any(choice.case == case_id for choice in letter.choices)


def unlisted(letter: Letter, case_ids: Collection[str]) -> Letter:
    """The letter without the lines of its lists (a digest's, say) that are about one of these cases."""
    data = _scrubbed(letter.data, case_ids, None)
    return letter if data == letter.data else replace(letter, data=data)


def scrubbed(letter: Letter, case_id: str, names: Iterable[str], now: datetime) -> Letter:
    """A letter of another file than an erased case's, without what it says of that case; itself when it says nothing.

    One that is about the case alone is emptied, and no longer owed.
    """
    if is_about(letter, case_id):
        emptied = replace(wiped_letter(letter), case=None, facts=None, choices=())
        if letter.post is not Post.OWED:
            return emptied
        return replace(emptied, post=Post.WITHDRAWN, reason="its case was erased", settled_at=now)
    data = _scrubbed(letter.data, {case_id}, name_pattern(names))
    choices = tuple(choice for choice in letter.choices if choice.case != case_id)
    if data == letter.data and choices == letter.choices:
        return letter
    return replace(letter, data=data, choices=choices)


def _scrubbed(data: Mapping[str, Datum], case_ids: Collection[str], names: re.Pattern[str] | None) -> dict[str, Datum]:
    def clean(text: str) -> str:
        return text if names is None else names.sub(ERASED, text)

    def is_about_one(line: str) -> bool:
        return any(re.search(rf"\b{case_id}\b", line) for case_id in case_ids)

    kept = dict(data)
    for key in FREE & data.keys():
        match data[key]:
            case str(text):
                kept[key] = clean(text)
            case list(lines):
                kept[key] = [clean(line) for line in lines if not is_about_one(line)]
    return kept


def names_of(case: Case) -> tuple[str, ...]:
    """Every name that the case's client has had, as written and as letters show it; the longest first."""
    written = {case.client, *(letter.facts.client for letter in case.letters if letter.facts is not None)}
    names = {form for name in written if name for form in (name, shown(name, "first_initial")) if form}
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


def texts_of(case: Case) -> tuple[str, ...]:
    """The lines that people wrote about the case, each once, but for those too short to be told from others."""
    written = [case.outcome_note or "", *case.notes, *(entry.text for entry in case.history)]
    lines = {line.strip() for text in written for line in text.splitlines()}
    return tuple(sorted(line for line in lines if len(line) >= WORTH_SEEKING and " " in line))


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these names as whole words, written just so: "Will" is a name, "will" a word. None without names."""
    listed = "|".join(map(re.escape, names))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)") if listed else None
