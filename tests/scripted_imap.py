"""An IMAP server that misbehaves on request: a small honest one, with switches for what real servers do wrong.

It runs in the test's event loop and keeps one folder of mail in a dict. `commands` is all that clients said, in order,
without tags. It speaks just enough of RFC 3501 for `workflow.mail.inbox`.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

ALL = "IMAP4rev1 AUTH=PLAIN IDLE MOVE UIDPLUS"


@dataclass
class Lying:
    """A mail in the folder."""

    raw: bytes
    arrived_at: datetime
    flags: set[str] = field(default_factory=set)


class ScriptedImap:
    """Use as ``async with``; put mail in with `put` (no push) and say things with `say`."""

    def __init__(
        self,
        *,
        capabilities: str = ALL,
        permanent: str | None = r"\Deleted \Seen \*",
        delimiter: str = "/",
        prefix: str = "",
        tls: ssl.SSLContext | None = None,
        starttls: bool = False,
    ) -> None:
        self.capabilities = capabilities + (" NAMESPACE" if prefix else "") + (" STARTTLS" if starttls else "")
        self.permanent = permanent
        self.delimiter = delimiter
        self.prefix = prefix
        self.tls = tls
        self.starttls = starttls
        self.quota = ""
        """What GETQUOTAROOT is told, if `capabilities` name QUOTA; "": that nothing is counted."""
        self.password = "secret"
        self.uidvalidity = 7
        self.tells_uidnext = True
        self.next_uid = 1
        self.mails: dict[int, Lying] = {}
        self.folders: dict[str, list[bytes]] = {}
        self.commands: list[str] = []
        self.poison: set[int] = set()
        """Mails whose text the server will not hand out: it refuses the whole FETCH, as Exchange does."""
        self.headless: set[int] = set()
        """Mails of which not even the header comes."""
        self.vanishing: set[int] = set()
        """Mails that are gone as soon as they were weighed."""
        self.breaking: set[int] = set()
        """Mails that make the server hang up when their text, or their size, is asked for."""
        self.blank: set[int] = set()
        """Mails that are listed, but of whose text nothing is answered."""
        self.sizes: dict[int, str] = {}
        """What it says for RFC822.SIZE instead of the truth."""
        self.puts_off = ""
        """The answer to each FETCH while it is set."""
        self.frozen = False
        """The folder goes on looking as it did when it was selected."""
        self.with_plus = ""
        """Sent once, in one segment with the "+" of IDLE."""
        self.before_plus = ""
        """Sent once before the "+"."""
        self.upon_idle: list[Callable[[], object]] = []
        """Done once each when IDLE is heard, before the "+"."""
        self.port = 0
        self._selected: set[int] = set()
        self._elsewhere: set[StreamWriter] = set()
        """Connections that have another folder open, in which nothing lies."""
        self._alongside: dict[str, list[str]] = {}
        self._refusals: dict[str, list[str]] = {}
        self._heard = asyncio.Condition()
        self._writers: set[StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # --- what a test does -----------------------------------------------------------------------------

    def put(self, raw: bytes, arrived_at: datetime, *flags: str) -> int:
        """Put a mail into the folder, and say nothing about it."""
        uid = self.next_uid
        self.next_uid += 1
        self.mails[uid] = Lying(raw, arrived_at, set(flags))
        return uid

    async def say(self, text: str) -> None:
        """Write to every client; no line end is added."""
        for writer in list(self._writers):
            writer.write(text.encode())
            await writer.drain()

    def alongside(self, command: str, *texts: str) -> None:
        """Send one of these lines with each of the next answers to `command`, before its tagged line."""
        self._alongside.setdefault(command, []).extend(texts)

    def refuse(self, command: str, *answers: str) -> None:
        """Answer the next ones so: "NO …", "BAD …", or "" to hang up, or "silence"."""
        self._refusals.setdefault(command, []).extend(answers)

    def accept(self) -> None:
        """Take back what `refuse` said."""
        self._refusals.clear()

    async def heard(self, start: str, times: int = 1) -> None:
        """Wait until so many commands that start so have come, since the server came up."""
        async with self._heard:
            await self._heard.wait_for(lambda: self.count(start) >= times)

    def count(self, start: str) -> int:
        """How many commands that start so have come."""
        return sum(command.startswith(start) for command in self.commands)

    async def up(self) -> None:
        """Listen, on the same port as before."""
        tls = None if self.starttls else self.tls
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def down(self) -> None:
        """Stop listening, and hang up on everybody."""
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection without a word."""
        for writer in list(self._writers):
            writer.close()

    # --- the server -----------------------------------------------------------------------------------

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                writer.write(f"* OK [CAPABILITY {self.capabilities}] ready\r\n".encode())
                while line := (await reader.readline()).decode().rstrip("\r\n"):
                    tag, _, command = line.partition(" ")
                    await self._note(command)
                    if not await self._answer(tag, command, reader, writer):
                        break
        finally:
            self._writers.discard(writer)
            self._elsewhere.discard(writer)
            writer.close()

    async def _note(self, command: str) -> None:
        async with self._heard:
            self.commands.append(command)
            self._heard.notify_all()

    async def _answer(self, tag: str, command: str, reader: StreamReader, writer: StreamWriter) -> bool:
        """Answer one command; False: hang up."""
        name = next((name for name in [*self._refusals] if command.startswith(name) and self._refusals[name]), None)
        if name is not None:
            answer = self._refusals[name].pop(0)
            if answer == "silence":
                await reader.read()
            if answer in {"", "silence"}:
                return False
            self._talk(command, writer)
            writer.write(f"{tag} {answer}\r\n".encode())
            return True
        verb, _, rest = command.partition(" ")
        if verb == "UID":
            uid_verb, _, rest = rest.partition(" ")
            verb = f"UID {uid_verb}"
        ok = f"{tag} OK done\r\n".encode()
        if verb in ("SELECT", "EXAMINE"):
            (self._elsewhere.discard if '"INBOX"' in rest.upper() else self._elsewhere.add)(writer)
        match verb:
            case "UID SEARCH" | "UID FETCH" if writer in self._elsewhere:
                writer.write(b"* SEARCH\r\n" if verb == "UID SEARCH" else b"")
            case "AUTHENTICATE":
                ok = await self._authenticate(tag, reader, writer)
            case "LOGIN" if f'"{self.password}"' not in rest:
                ok = f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
            case "STARTTLS":
                writer.write(ok)
                assert self.tls is not None
                await writer.start_tls(self.tls)
                return True
            case "IDLE":
                await self._idle(reader, writer)
            case _:
                if verb == "UID FETCH" and "INTERNALDATE)" not in rest and self.breaking & {*self._present(rest)}:
                    return False
                told = b"".join(self._untagged(verb, rest))
                if told.startswith(b"NO "):
                    ok = tag.encode() + b" " + told
                else:
                    writer.write(told)
        self._talk(command, writer)
        writer.write(ok)
        return True

    def _talk(self, command: str, writer: StreamWriter) -> None:
        for start, texts in self._alongside.items():
            if texts and command.startswith(start):
                writer.write(texts.pop(0).encode() + b"\r\n")

    async def _authenticate(self, tag: str, reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(b"+ \r\n")
        _, _, password = base64.b64decode(await reader.readline()).split(b"\0")
        if password.decode() != self.password:
            return f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
        return f"{tag} OK [CAPABILITY {self.capabilities}] in\r\n".encode()

    async def _idle(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.upon_idle:
            self.upon_idle.pop(0)()
        writer.write(f"{self.before_plus}+ idling\r\n{self.with_plus}".encode())
        self.before_plus = self.with_plus = ""
        if done := (await reader.readline()).decode().rstrip():
            await self._note(done)

    def _untagged(self, verb: str, rest: str) -> Iterator[bytes]:
        match verb:
            case "CAPABILITY":
                yield f"* CAPABILITY {self.capabilities}\r\n".encode()
            case "SELECT" | "EXAMINE":
                yield from self._select()
            case "UID FETCH" if self.puts_off:
                yield f"{self.puts_off}\r\n".encode()
            case "UID SEARCH":
                yield f"* SEARCH {' '.join(map(str, self._search(rest)))}\r\n".encode()
            case "UID FETCH":
                yield from self._fetch(rest)
            case "UID STORE":
                uids, _, flags = re.fullmatch(r"(\S+) (\S+) \((.*)\)", rest).groups()  # type: ignore[union-attr] # or fail
                for uid in self._present(uids):
                    self.mails[uid].flags.add(flags)
            case "UID COPY" | "UID MOVE":
                yield from self._copy(verb, *re.fullmatch(r'(\S+) "(.*)"', rest).groups())  # type: ignore[union-attr]
            case "UID EXPUNGE":
                for uid in self._present(rest):
                    if r"\Deleted" in self.mails[uid].flags:
                        yield self._expunge(uid)
            case "LIST":
                name = rest.split('"')[3]
                if not name:
                    yield f'* LIST (\\Noselect) "{self.delimiter}" ""\r\n'.encode()
                for folder in ["INBOX", *self.folders]:
                    if name in ("*", folder):
                        yield f'* LIST () "{self.delimiter}" "{folder}"\r\n'.encode()
            case "GETQUOTAROOT":
                told = f' ""\r\n* QUOTA {self.quota}' if self.quota else ""
                yield f"* QUOTAROOT INBOX{told}\r\n".encode()
            case "NAMESPACE":
                yield f'* NAMESPACE (("{self.prefix}" "{self.delimiter}")) NIL NIL\r\n'.encode()
            case "CREATE":
                name = rest.strip('"')
                if not name.startswith(self.prefix):
                    yield b"NO wrong namespace\r\n"
                else:
                    self.folders[name] = []

    def _select(self) -> Iterator[bytes]:
        self._selected = set(self.mails)
        yield f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.uidvalidity}] valid\r\n".encode()
        if self.tells_uidnext:
            yield f"* OK [UIDNEXT {self.next_uid}] next\r\n".encode()
        if self.permanent is not None:
            yield f"* OK [PERMANENTFLAGS ({self.permanent})] permitted\r\n".encode()

    def _search(self, criteria: str) -> list[int]:
        found = set(self.mails) & self._selected if self.frozen else set(self.mails)
        if match := re.search(r"UID (\d+):\*", criteria):
            found = {uid for uid in found if uid >= int(match[1])} | {max(found, default=0)} - {0}
        elif "UID *" in criteria:
            found = {max(found)} if found else set()
        elif match := re.search(r"UID ([\d,]+)", criteria):
            found &= {*self._present(match[1])}
        if match := re.search(r"OR \(SINCE (\S+)\) \(BEFORE (\S+) SENTSINCE (\S+)\)", criteria):
            since, before, sent = (
                datetime.strptime(day, "%d-%b-%Y").replace(tzinfo=UTC).date() for day in match.groups()
            )
            found = {
                uid
                for uid in found
                if (day := self._day(uid)) >= since or (day < before and (self._sent(uid) or date.min) >= sent)
            }
        if match := re.search(r"\b(UN)?KEYWORD (\S+)", criteria):
            found = {uid for uid in found if (match[2] not in self.mails[uid].flags) is bool(match[1])}
        return sorted(found)

    def _day(self, uid: int) -> date:
        return self.mails[uid].arrived_at.date()

    def _sent(self, uid: int) -> date | None:
        """The day of its Date header, if it has one."""
        dated = re.search(rb"^Date: (.+?)\r$", self.mails[uid].raw, re.MULTILINE)
        return parsedate_to_datetime(dated[1].decode()).date() if dated else None

    def _fetch(self, rest: str) -> Iterator[bytes]:
        uids = self._present(rest)
        if (self.headless if "HEADER" in rest else self.poison if "BODY" in rest else set()) & set(uids):
            yield b"NO unreadable\r\n"
            return
        partial = "<0>" if "]<0." in rest else ""
        for number, uid in enumerate(uids, start=1):
            mail = self.mails[uid]
            items = f"UID {uid}"
            if "INTERNALDATE" in rest:
                items += f' INTERNALDATE "{mail.arrived_at:%d-%b-%Y %H:%M:%S %z}"'
            if "RFC822.SIZE" in rest:
                items += f" RFC822.SIZE {self.sizes.get(uid, len(mail.raw))}"
                if uid in self.vanishing:
                    del self.mails[uid]
            if "BODY" not in rest:
                yield f"* {number} FETCH ({items})\r\n".encode()
            elif uid not in self.blank:
                name, text = f"BODY[]{partial}", mail.raw
                if "HEADER" in rest:
                    name, text = f"BODY[HEADER]{partial}", mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                if match := re.search(r"]<0\.(\d+)>", rest):
                    text = text[: int(match[1])]
                yield f"* {number} FETCH ({items} {name} {{{len(text)}}}\r\n".encode() + text + b")\r\n"

    def _copy(self, verb: str, uids: str, folder: str) -> Iterator[bytes]:
        if folder not in self.folders:
            yield b"NO [TRYCREATE] no such folder\r\n"
            return
        for uid in self._present(uids):
            self.folders[folder].append(self.mails[uid].raw)
            if verb == "UID MOVE":
                yield self._expunge(uid)

    def _expunge(self, uid: int) -> bytes:
        number = sorted(self.mails).index(uid) + 1
        del self.mails[uid]
        return f"* {number} EXPUNGE\r\n".encode()

    def _present(self, rest: str) -> list[int]:
        """Those that lie there, of the UIDs with which this begins."""
        return sorted(uid for uid in map(int, rest.partition(" ")[0].split(",")) if uid in self.mails)
