"""A letter as data into the bytes that go out, through templates/; and the board into its page. Contract section 4.

Decides nothing: to whom, which variant and which choices come with the letter. The words stand in templates/, the
bytes are made in `mime`. Rendered anew at each attempt, always to the same mail but for its Date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from workflow.core.board import Glance
from workflow.core.kinds import ESCALATED, KINDS
from workflow.core.language.names import initials, short_person
from workflow.core.language.printed import clock_time
from workflow.core.model import Facts, Letter, LetterKind, Outcome
from workflow.core.rules import Rules
from workflow.core.topics import SUBJECTS
from workflow.mail.writing.mime import Body, Correspondent, Unsafe, clean_header, clean_name, plain_ids, to_bytes
from workflow.mail.writing.samples import CLIENT, trial_boards, trial_letters
from workflow.mail.writing.templates import OURS, Pages, explained, our_pages, where
from workflow.mail.writing.values import Wording, associate_of, carries_facts, client_of

__all__ = ["Letters", "Rendered", "Unsafe"]

SUBJECT_MAX = 40
"""Characters of a subject: a lock screen shows about so many (contract section 4)."""

BOARD = "board.html"

_URGENT = frozenset({LetterKind.ALERT, LetterKind.DRAFT, LetterKind.ESCALATION})
"""Who is out of office when these come must be known: to no other does OOF answer."""

_OUTCOME_WORD = re.compile("|".join(outcome.value.upper() for outcome in Outcome))


@dataclass(frozen=True, slots=True)
class Rendered:
    raw: bytes
    """7-bit, lines ended by CR LF."""
    recipient: str
    """The envelope's one recipient."""
    fell_back: str | None = None
    """A template of the clinic's failed and ours was used: which file and line, and nothing of the letter."""


class Letters:
    def __init__(self, rules: Rules, *, instance: str, templates: Path | None = None, sms_link: bool = False) -> None:
        self._rules = rules
        self._instance = clean_header(instance)
        self._sender = Correspondent(f"Promptly, {clean_name(rules.clinic)}", rules.address)
        self._zone = ZoneInfo(rules.cadence.zone)
        self._wording = Wording(rules, sms_link=sms_link)
        self._ours = our_pages()
        self._own_folder = templates
        self._own = Pages(templates, OURS) if templates is not None else None

    def render(self, letter: Letter, now: datetime) -> Rendered:
        """The mail as it goes out at `now`. Raises Unsafe when the bytes would not say what is meant."""
        text, html, fell_back = self._page(letter, now)
        recipient = Correspondent(clean_name(letter.to.name), letter.to.email)
        raw = to_bytes(
            self._headers(letter, now),
            self._sender,
            recipient,
            Body(text, html, self._attachment(letter)),
            seed=letter.message_id,
        )
        return Rendered(raw, recipient.address, fell_back)

    def text(self, letter: Letter, now: datetime) -> str:
        """What the reader has before them, to be told apart from what they write themselves. Raises Unsafe."""
        return self._page(letter, now)[0]

    def board(self, glance: Glance, now: datetime, written_at: datetime) -> tuple[str, str | None]:
        """The board's page, and where the clinic's own template failed, if it did. `now` is the clinic's, perhaps
        rehearsed; `written_at` the screen's, by which it tells how old the page is.
        """
        values, fell_back = self._board_values(glance, now, written_at), None
        if self._own is not None:
            try:
                return self._own.page(BOARD, values), None
            except Exception as fault:  # as with a letter
                fell_back = where(fault)
        return self._ours.page(BOARD, values), fell_back

    def template_faults(self) -> list[str]:
        """What is wrong with the clinic's own files, each with its line, found by writing every kind of letter, and the
        board.

        For `check`: nothing is sent. Takes a second or two.
        """
        if self._own is None or self._own_folder is None:
            return []
        if not self._own_folder.is_dir():
            return ["the folder does not exist"]
        faults: dict[str, None] = {}  # in order, each once
        for file in sorted(self._own_folder.rglob("*")):
            name = file.relative_to(self._own_folder).as_posix()
            if not file.is_file() or file.suffix not in (".txt", ".html"):
                continue
            if not (OURS / name).is_file():
                faults[f"{name}: replaces no file of ours"] = None
            try:
                self._own.compile(name)
            except Exception as fault:  # whatever it is, it is a line of `check`
                faults[explained(fault)] = None
        for letter, now in trial_letters():
            try:
                text, _ = self._own.render(letter.kind.value, self._values(letter, now))
            except Exception as fault:  # as above
                faults[explained(fault)] = None
            else:
                faults.update(dict.fromkeys(f"{letter.kind.value}.txt: {what}" for what in _unwise(text)))
        for shown, now in trial_boards(self._rules):
            try:
                self._own.page(BOARD, self._board_values(shown, now, now))
            except Exception as fault:  # as above
                faults[explained(fault)] = None
        return list(faults)

    def _page(self, letter: Letter, now: datetime) -> tuple[str, str, str | None]:
        """Text, HTML, and where a template of the clinic's failed, if one did.

        Raises Unsafe where ours has no words either: for a topic that a newer version stored, before it was taken back.
        """
        fell_back = None
        for pages in (self._own, self._ours):
            try:
                if pages is not None:
                    names = self._wording.names(letter.facts)
                    return (*pages.render(letter.kind.value, self._values(letter, now), names), fell_back)
            except Exception as fault:  # a clinic's own file can fail in any way; the letter must go
                fell_back = where(fault)
        raise Unsafe(f"no words for it: {fell_back}")

    def _values(self, letter: Letter, now: datetime) -> dict[str, object]:
        return {**self._wording.values(letter, now), "subject": _subject(letter)}

    def _board_values(self, glance: Glance, now: datetime, written_at: datetime) -> dict[str, object]:
        said = {field.name: getattr(glance, field.name) for field in fields(glance)}
        at = clock_time(now.astimezone(self._zone))
        return {**said, "clinic": clean_name(self._rules.clinic), "at": at, "written_at": int(written_at.timestamp())}

    def _headers(self, letter: Letter, now: datetime) -> dict[str, str]:
        headers = {
            "Subject": _subject(letter),
            "Date": format_datetime(now.astimezone(self._zone)),
            "Message-ID": letter.message_id,
            "In-Reply-To": plain_ids([letter.in_reply_to] if letter.in_reply_to else []),
            "References": plain_ids(letter.references),
            "Auto-Submitted": "auto-replied" if letter.answers else "auto-generated",  # RFC 3834, 5
            # What Exchange must not answer us with.
            "X-Auto-Response-Suppress": f"{'' if letter.kind in _URGENT else 'OOF, '}DR, RN, NRN, AutoReply",
            "X-Promptly-Letter": letter.kind.value,
            "X-Promptly-Case": letter.case or "",
            "X-Promptly-Loop": self._instance,
        }
        if plain_ids([letter.message_id]) != letter.message_id:
            raise Unsafe("Message-ID cannot stand on the wire as it is")
        return {name: value for name, value in headers.items() if value}

    def _attachment(self, letter: Letter) -> tuple[str, bytes] | None:
        """``alert.json``, schema ``promptly.alert/1`` (contract section 4), for letters to admin and the lead."""
        facts = letter.facts
        if facts is None or not carries_facts(letter):
            return None
        content = {
            "schema": "promptly.alert/1",
            "case": facts.case,
            "kind": facts.kind.value,
            "state": facts.state.value,
            "associate": {"name": facts.associate.name, "email": facts.associate.email},
            "client": self._wording.client(facts) or None,
            "minutes": facts.minutes,
            "session_at": self._wording.iso(facts.session_at),
            "expected_at": self._wording.iso(facts.expected_at),
            "reported_at": self._wording.iso(facts.reported_at),
            "contacted_at": self._wording.iso(facts.contacted_at),
            "outcome": facts.outcome.value if facts.outcome is not None else None,
            "outcome_note": self._wording.discreet(facts.outcome_note, facts) or None,
            "client_says": facts.client_says.value if facts.client_says is not None else None,
            "makeup": facts.makeup,
            "note": self._wording.discreet(facts.note, facts) or None,
            "reminders_sent": facts.reminders_sent,
            "escalated": facts.escalated,
        }
        return "alert.json", json.dumps(content, indent=1).encode("ascii")


def _unwise(text: str) -> Iterator[str]:
    """What a trial letter says that it should not, though it can be written (contract section 4)."""
    first, *others = text.split("\n")
    if any(name in first for name in CLIENT.split()):
        yield "the first line names the client, and shows on lock screens: write {{ initials }}"
    for word in sorted({found[0] for line in others if (found := _OUTCOME_WORD.match(line))}):
        yield f"a line starts with {word}: quoted, it could be taken for an answer"


def _subject(letter: Letter) -> str:
    """Constant for a case, its kind and the audience; no client beyond initials; at most 40 characters (section 4)."""
    facts = letter.facts
    if facts is None:
        return SUBJECTS[letter.kind, letter.topic]
    name = client_of(facts)
    client = clean_header(initials(name)) if name else ""
    form = ESCALATED if letter.kind is LetterKind.ESCALATION else KINDS[facts.kind].subject
    before, after = f"[{facts.case}] {form}".split("{who}")
    return _fitted(before.format(client=client or "CLIENT"), facts, after.format(client=client) if client else "")


def _fitted(before: str, facts: Facts, after: str) -> str:
    """The associate between the two, as long as there is room: "Dana L.", "D.L.", or cut."""
    name = associate_of(facts)
    room = SUBJECT_MAX - len(before) - len(after)
    forms = (short_person(name), "".join(f"{part[0]}." for part in name.split()))
    who = next((form for form in forms if len(form) <= room), forms[-1][: max(room, 0)])
    return (before + who + after)[:SUBJECT_MAX].rstrip(" -")
