"""``make fuzz``: mail damaged at random, and whether each still becomes a Mail or a reason, in bounded time and memory.

    python -m tests.arrival.fuzz --seconds 60 --seed 1

A mail goes as far as it can without a store: read, judged, its quotes cut again as in a thread, its lines understood.
What fails is made smaller and printed, ready to become a sample. Not a proof: `test_bytes` has the known traps.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from tests.arrival.samples import HOSTILE, ORDINARY
from tests.cast import RULES
from workflow.config.keys import Trust
from workflow.core.language import read
from workflow.core.people import Standing
from workflow.logs import place
from workflow.mail.reading import message
from workflow.mail.reading.headers import SUBJECT_MAX
from workflow.mail.reading.message import TEXT_MAX, Incoming
from workflow.mail.reading.trust import judge

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
TRUST = Trust(authserv_id=("mx.clinic.test",), require=True, internal="exchange")
MAX_SIZE = 5_000_000
"""The default `max_size` (contract section 6)."""

SECONDS_MAX = 2.0
"""CPU seconds that one mail may cost."""
MB_MAX = 64
"""Megabytes by which the process may grow, from first to last: what C code takes counts, too."""
SHRINKS = 200
"""Attempts at making a failing mail smaller."""
HOSTILE_SHARE = 0.03
"""Of the mails that are damaged: they are large."""
STACK_MAX = 4
"""Damages done to one mail."""
HANGS = 60
"""Seconds on the clock after which nobody waits any longer."""
ENDLESS, DEADLY = "never ends", "ends the process"
PRINTED = 20_000
"""Bytes of a found mail that are printed."""

OUR_LETTER = (
    "Message the client now: about 15 minutes late.\n\nReply with one word, or tap:\n- it took place (CONNECTED)"
)
HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

TOKENS = (
    b"\r\n", b"\n", b"\r", b"\n\n", b"\r\n ", b"\x00", b"\xff", b"\xfe\xff", b"\x80", b"\xc3", b"=?utf-8?b?",
    b"?=", b"=?utf-8?q?=0d=0aBcc:_x?=", b"(", b")", b"<", b">", b'"', b"\\", b";", b",", b":", b"@", b"=", b"--", b"> ",
    b"-- \n", b"From: dana@clinic.test\r\n", b"Subject: NOSHOW Sam\r\n", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"Content-Type: text/html\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"boundary*0*=b", b"format=flowed", b"<div>", b"<blockquote>", b"&#2;",
    b"<!--", b"On Thu, Nov 5, 2026 at 2:00 PM x@y.test wrote:\n", b"On", b"From: Sent: To: Subject:\n", b"[K7Q2] ",
    b"LATE 15 ", b"NOSHOW ", b"RESCHEDULED ", b"15 minutes ", b"-----BEGIN PGP SIGNED MESSAGE-----\n",
    b"Action: failed\n", b"Auto-Submitted: (",
    b"Date: Mon, 99 Nov 99999 25:61:61 +9999\r\n", b"Message-ID: <[x@y]>\r\n", b"References: <",
)  # fmt: skip
CHARSETS = (
    b"utf-8",
    b"utf-7",
    b"utf-16",
    b"utf-32",
    b"idna",
    b"punycode",
    b"hz",
    b"gb18030",
    b"iso-2022-jp",
    b"cp037",
    b"x",
)


def examine(raw: bytes) -> str | None:
    """What is wrong with what became of these bytes; None when nothing is. Whatever it raises is wrong, too."""
    incoming = message.read(raw, NOW, max_size=MAX_SIZE, owns=RULES.owns, instance="i1")
    standing = judge(incoming, RULES.roster, TRUST, "clinic.test")
    for ours in ([OUR_LETTER], []):
        mail = incoming.answering(ours)
        read.read(mail.subject, mail.new_text, mail.quoted_text)
    incoming = replace(incoming, mail=mail)
    return _wrong_mail(incoming) or _wrong_speaker(raw, incoming, standing)


def _wrong_mail(incoming: Incoming) -> str | None:
    mail = incoming.mail
    texts = (mail.subject, mail.new_text, mail.quoted_text, incoming.text)
    checks = {
        "a harmful character is left": any(HARMFUL.search(text) for text in texts),
        "the subject is no line": "\n" in mail.subject or mail.subject != mail.subject.strip(),
        "too much is kept": len(mail.subject) > SUBJECT_MAX or max(map(len, texts)) > TEXT_MAX,
        "a date without a zone": mail.written_at is not None and mail.written_at.tzinfo is not UTC,
        "an id that is none": any(
            " " in known or known[0] != "<" for known in (*mail.refers_to, mail.message_id or "<")
        ),
        "a reason with an address": "@" in (incoming.fault or ""),
        "the key is none": len(mail.key) != 64,
    }
    return next((what for what, is_so in checks.items() if is_so), None)


def _wrong_speaker(raw: bytes, incoming: Incoming, standing: Standing) -> str | None:
    """Nobody speaks whose address does not stand in the mail's one From, and nobody without the server's word."""
    sender = incoming.mail.sender
    if standing is not Standing.KNOWN:
        return None
    if sender is None or sender.encode() not in raw.lower():
        return "somebody speaks who is not there"
    vouched = b"mx.clinic.test" in raw.lower() or b"internal" in raw.lower()
    return None if vouched else "nobody vouches for who speaks"


# --- damage -------------------------------------------------------------------------------------------------------


def _cut(random: Random, raw: bytes) -> tuple[int, int]:
    """A slice of these bytes, short as a rule."""
    start = random.randrange(len(raw) + 1)
    return start, min(len(raw), start + int(random.paretovariate(0.5)))


def _flip(random: Random, raw: bytes) -> bytes:
    out = bytearray(raw)
    for _ in range(random.randint(1, 20)):
        if out:
            out[random.randrange(len(out))] = random.choice(
                (0, 9, 10, 13, 32, 34, 40, 60, 61, 128, 255, random.randrange(256))
            )
    return bytes(out)


def _drop(random: Random, raw: bytes) -> bytes:
    start, end = _cut(random, raw)
    return raw[:start] + raw[end:]


def _truncate(random: Random, raw: bytes) -> bytes:
    return raw[: random.randrange(len(raw) + 1)]


def _repeat(random: Random, raw: bytes) -> bytes:
    """A huge count of whatever stands there."""
    start, end = _cut(random, raw)
    piece = raw[start : min(end, start + 2000)]
    return raw[:end] + _many(piece, random.choice((1, 2, 30, 1000, 30_000))) + raw[end:]


def _insert(random: Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + _many(random.choice(TOKENS), random.choice((1, 1, 1, 2, 50, 5000, 200_000))) + raw[at:]


def _many(piece: bytes, times: int) -> bytes:
    return piece * min(times, MAX_SIZE // (len(piece) + 1))


def _splice(random: Random, raw: bytes) -> bytes:
    """Half of this mail and half of another."""
    other = random.choice(list(ORDINARY.values()))
    start, end = _cut(random, other)
    at = random.randrange(len(raw) + 1)
    return random.choice((raw[:at] + other[start:], raw[:at] + other[start:end] + raw[at:], other + raw[at:]))


def _lines(random: Random, raw: bytes) -> bytes:
    """One line again, somewhere else, or many times: headers above all."""
    head, mark, body = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    line = random.choice(lines)
    for _ in range(random.choice((1, 1, 2, 50, 2000))):
        lines.insert(random.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines) + mark + body


def _fold(random: Random, raw: bytes) -> bytes:
    return re.sub(rb" ", lambda found: random.choice((b" ", b"\r\n ", b"\r\n\t", b"\n ", b"  ")), raw, count=50)


def _line_ends(random: Random, raw: bytes) -> bytes:
    return raw.replace(b"\r\n", random.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\r\n")))


def _boundary(random: Random, raw: bytes) -> bytes:
    """Boundaries that are missing, too many, beginnings of each other, quoted or not."""
    mark = random.choice((b"=_b1", b"=_b11"))
    other = random.choice((b"", b"=_b", b"=_b1 ", b"=_b11", b'"', b"--", b"-", b"\x00", b"=_b1" * 30))
    match random.randrange(3):
        case 0:
            return raw.replace(mark, other, 1)
        case 1:
            return raw.replace(b"--" + mark, b"--" + other)
        case _:
            return raw.replace(b"--" + mark + b"\r\n", (b"--" + mark + b"\r\n") * random.choice((2, 90, 3000)), 1)


def _base64(random: Random, raw: bytes) -> bytes:
    """Base64 that ends too early, or is not all base64."""
    found = list(re.finditer(rb"[A-Za-z0-9+/=]{60,}", raw))
    if not found:
        return base64.encodebytes(raw)
    at = random.randrange(*random.choice(found).span())
    return raw[:at] + random.choice((b"", b"=", b"==", b"\x00", b"\r\n\r\n", b"*")) + raw[at + random.randrange(4) :]


def _charset(random: Random, raw: bytes) -> bytes:
    return re.sub(rb"charset=\"?[\w-]+\"?", b"charset=" + random.choice(CHARSETS), raw)


def _wrap(random: Random, raw: bytes) -> bytes:
    """Multiparts around it, the innermost its body."""
    for level in range(random.choice((1, 3, 12, 200))):
        raw = b"Content-Type: multipart/mixed; boundary=w%d\r\n\r\n--w%d\r\n%s" % (level, level, raw)
    return b"From: dana@clinic.test\r\n" + raw


DAMAGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip, _drop, _truncate, _repeat, _insert, _splice, _lines, _fold, _line_ends, _boundary, _base64, _charset, _wrap,
)  # fmt: skip


def damaged(random: Random) -> bytes:
    """One mail, with one to four damages; half as large again as `max_size` at most."""
    raw = random.choice(list((HOSTILE if random.random() < HOSTILE_SHARE else ORDINARY).values()))
    for _ in range(random.randint(1, STACK_MAX)):
        raw = random.choice(DAMAGES)(random, raw)[: MAX_SIZE * 3 // 2]
    return raw


# --- judgement ----------------------------------------------------------------------------------------------------


class Reader:
    """A process that reads mail: its memory is nobody else's, and a mail that ends or hangs it is found out."""

    def __init__(self, judge: Callable[[bytes], str | None] = examine) -> None:
        self.grown = 0.0
        """Megabytes by which it has grown since it had read every ordinary mail."""
        self._judge = judge
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=_serve, args=(theirs, self._judge), daemon=True)
        self._process.start()
        theirs.close()
        assert self._ask(None)[0] is None

    def fault_of(self, raw: bytes) -> tuple[str | None, float]:
        """What is wrong with how this mail is read, and the CPU seconds that it took."""
        fault, spent, self.grown = self._ask(raw)
        if fault is None and spent > SECONDS_MAX:
            fault = f"takes longer than {SECONDS_MAX:.0f} s"
        if fault is None and self.grown > MB_MAX:
            fault = f"takes more than {MB_MAX} MB"
        if fault in (ENDLESS, DEADLY) or self.grown > MB_MAX:
            self.close()
            self._start()
        return fault, spent

    def _ask(self, raw: bytes | None) -> tuple[str | None, float, float]:
        try:
            self._pipe.send(raw)
            if not self._pipe.poll(HANGS):
                return ENDLESS, HANGS, 0.0
            fault, spent, grown = self._pipe.recv()
        except (EOFError, OSError):
            return DEADLY, 0.0, 0.0
        return fault, spent, grown

    def close(self) -> None:
        """The process is gone."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, judge: Callable[[bytes], str | None]) -> None:
    """What the process does: the first request, None, is for what is imported late."""
    base = 0.0
    while True:
        raw = pipe.recv()
        began = time.process_time()
        if raw is None:
            for sample in ORDINARY.values():
                judge(sample)
            with suppress(OSError):  # the samples took more while they were made; not every kernel forgets it
                Path("/proc/self/clear_refs").write_text("5")
            fault, base = None, megabytes()
        else:
            fault = _tried(judge, raw)
        pipe.send((fault, time.process_time() - began, megabytes() - base))


def _tried(judge: Callable[[bytes], str | None], raw: bytes) -> str | None:
    try:
        return judge(raw)
    except Exception as error:  # anything that reading raises is what is looked for
        return f"{type(error).__name__} in {place(error)}"


def megabytes() -> float:
    """The most memory that this program ever held. Not ru_maxrss, which counts what stood in its place before."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def smaller(reader: Reader, raw: bytes, fault: str) -> bytes:
    """The mail without whatever can be left out so that it still has the fault."""
    step, tries = len(raw) // 2, 0
    while step and tries < SHRINKS:
        at = 0
        while at < len(raw) and tries < SHRINKS:
            tries += 1
            without = raw[:at] + raw[at + step :]
            if reader.fault_of(without)[0] == fault:
                raw = without
            else:
                at += step
        step //= 2
    return raw


def run(seconds: float, most: int, seed: int) -> tuple[bool, str]:
    """Fuzz for so long, or so many mails, or until the first fault: whether there was none, and what to tell."""
    reader, began, longest = Reader(), time.monotonic(), 0.0
    try:
        random = Random(seed)
        for number in count(1):
            raw = damaged(random)
            fault, spent = reader.fault_of(raw)
            longest = max(longest, spent)
            if fault is not None:
                found = raw if fault == ENDLESS else smaller(reader, raw, fault)
                printed = base64.b64encode(found[:PRINTED]).decode("ascii")
                return False, f"mail {number} of seed {seed}: {fault}\n{len(found)} bytes, in base64:\n{printed}\n"
            if time.monotonic() - began > seconds or number >= most:
                cost = f"the slowest took {longest:.2f} s, all {reader.grown:.0f} MB"
                return True, f"{number} mails of seed {seed}: no fault; {cost}\n"
    finally:
        reader.close()
    raise AssertionError("mails without end")


def main() -> int:
    """The command line: exit code 1 for a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--mails", type=int, default=sys.maxsize, help="stop after so many")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same mails")
    arguments = parser.parse_args()
    sound, told = run(arguments.seconds, arguments.mails, arguments.seed)
    sys.stdout.write(told)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
