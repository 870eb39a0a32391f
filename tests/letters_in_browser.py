"""Every sample letter, and the board, in a real browser, as people's screens show it: measured for the tests,
photographed for people.

`python -m tests.letters_in_browser` (`make letters`) writes the pictures to build/letters, one of each kind of letter
to docs/letters, and the board's to docs/board. Chromium is driven through its own DevTools pipe, a JSON message at a
time: no library, no port, one start for all of them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any, Self

from tests.board_samples import boards
from tests.in_page import DRAWN, MEASURE
from tests.mail.letter_samples import NOW, RULES, samples
from workflow.core.model import Letter
from workflow.mail.writing.render import Letters

CHROMIUM = shutil.which("chromium")
"""Debian's, or None where there is none."""

SCREENS = {"phone": 375, "phone with letters twice as large": 188, "window": 900}
"""Width in CSS pixels, of which each is two on the second."""

BOARD_SCREENS = {"phone": (375, 667), "window": (900, 700), "wall": (1920, 1080)}
"""Width and height in CSS pixels."""

SCHEMES = ("light", "dark")

_WORD_KEEPS = re.compile(r"(?:color|background|font-\w+|line-height|margin|text-decoration|mso-[\w-]+)$")
_WORD_KEEPS_IN_CELLS = re.compile(r"(?:padding|border)$")
"""What Outlook's engine, Word's, honours of our styles; the second of tables, cells and headings alone."""

ABSENT = "Debian's Chromium is not installed: apt-get install chromium fonts-liberation"

ROOT = Path(__file__).resolve().parents[1]
ALL = ROOT / "build" / "letters"
SHOWN = ROOT / "docs" / "letters"
BOARD = ROOT / "docs" / "board"

SHOWN_AS = {
    "draft-late": "light",
    "alert-noshow": "dark",
    "reminder-late-outcome": "light",
    "escalation-noshow-admin": "dark",
    "stepaway": "light",
    "ask-which-case": "light",
    "receipt-noshow-rescheduled": "dark",
    "update-late-connected": "light",
    "notice-outage": "dark",
    "digest": "light",
    "month": "light",
    "status": "dark",
    "help-words": "light",
}
"""One of each kind but the test letter, for people who read the repository."""

BOARD_SHOWN = (("wall", "light"), ("wall", "dark"), ("phone", "light"))
"""How the board of an afternoon is shown to them."""

QUALITY = 5
"""Of 100: letters stay easy to read."""

ANSWERS_WITHIN = 30
"""Seconds; a page takes 15 ms."""

INDEX = """# The letters

One letter of each kind as a phone shows it. All samples are text in `tests/mail/golden`, their words in `templates`.

`make letters` writes all of them to build/letters, light and dark, and these here; `make test` measures them: nothing
wider than the screen, contrast, size of what is tapped, no link but `mailto:`.
"""

_FLAGS = (
    "--headless",
    "--no-sandbox",  # root in a container; the pages are our own and load nothing
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

_AHEAD = "Date.now = () => new Date().getTime() + 1000 * %s"


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text as drawn."""

    text: str
    size: float
    contrast: float
    """Against what is drawn behind it, by WCAG 2.2."""
    box: list[float]
    """Left, top, width and height on the page."""


@dataclass(frozen=True, slots=True)
class Link:
    """What can be tapped."""

    href: str
    top: float
    width: float
    height: float
    broken: str
    """Words that go over two lines."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the browser made of a letter."""

    page: str
    """The colour of the empty page."""
    texts: tuple[Text, ...]
    links: tuple[Link, ...]
    selected: str | None
    """What is copied when the message is chosen; None: the letter has none."""
    width: int
    height: int
    requested: tuple[str, ...]
    """Addresses that the page asked for."""


class Browser:
    """One headless Chromium with one page; a context. `TimeoutError` when it does not answer."""

    def __enter__(self) -> Self:
        assert CHROMIUM is not None, "Chromium is not installed"
        self._profile = tempfile.TemporaryDirectory(prefix="letters-", ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # Chromium reads its orders from descriptor 3 and writes its answers to 4
        command = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        arguments = [CHROMIUM, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._running = subprocess.Popen(
            ["/bin/bash", "-c", command, "bash", *arguments],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self._count = 0
        self._unread = b""
        self._session: str | None = None
        self._requested: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network"):
            self._ask(f"{domain}.enable")
        self._frame = self._ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # Chromium ends when its pipe does
        try:
            self._running.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        os.close(self._read)
        self._profile.cleanup()

    def show(
        self,
        html: str,
        scheme: str,
        width: int = SCREENS["phone"],
        height: int = 667,
        *,
        forced_dark: bool = False,
    ) -> Look:
        """Load a page as a screen of this size does, in "light" or "dark", and measure it.

        `forced_dark`: as a program does that makes any page dark; what it draws is in `contrasts_drawn` alone.
        """
        self._ask("Emulation.setAutoDarkModeOverride", enabled=forced_dark)
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", features=features)
        self._requested.clear()
        self._ask("Page.setDocumentContent", frameId=self._frame, html=html)
        answer = self._ask("Runtime.evaluate", expression=MEASURE, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        found = answer["result"]["value"]
        return Look(
            page=found["page"],
            texts=tuple(Text(**one) for one in found["texts"]),
            links=tuple(Link(**one) for one in found["links"]),
            selected=found["selected"],
            width=found["width"],
            height=found["height"],
            requested=tuple(self._requested),
        )

    def tabs(self, times: int) -> list[str]:
        """Where the links lead that the Tab key comes to, one after the other, on the page just shown."""
        self._ask("Emulation.setFocusEmulationEnabled", enabled=True)
        reached = []
        for _ in range(times):
            for kind in ("rawKeyDown", "keyUp"):
                self._ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            at = self._ask("Runtime.evaluate", expression="document.activeElement.getAttribute('href')")
            reached.append(str(at["result"].get("value")))
        return reached

    def picture(self, look: Look) -> bytes:
        """The page just shown, from top to bottom, as WebP."""
        return base64.b64decode(self._capture(look, format="webp", quality=QUALITY))

    def contrasts_drawn(self, look: Look) -> dict[str, float]:
        """The contrast of each text of the page just shown as its pixels have it, whatever drew them."""
        drawn = [text for text in look.texts if text.box[2]]  # the preview takes no room
        boxes = json.dumps([text.box for text in drawn])
        asked = f"({DRAWN})({json.dumps(self._capture(look, format='png'))}, {boxes})"
        answer = self._ask("Runtime.evaluate", expression=asked, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return dict(zip((text.text for text in drawn), answer["result"]["value"], strict=True))

    def _capture(self, look: Look, **how: object) -> str:
        clip = {"x": 0, "y": 0, "width": look.width, "height": look.height, "scale": 1}
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip, **how)
        return str(taken["data"])

    def open(self, url: str, *, ahead: float = 0) -> None:
        """Go to an address, as whoever puts a page onto a screen does, whose clock is so many seconds ahead."""
        added = self._ask("Page.addScriptToEvaluateOnNewDocument", source=_AHEAD % ahead)["identifier"]
        self._ask("Page.navigate", url=url)
        self._ask("Page.removeScriptToEvaluateOnNewDocument", identifier=added)

    def clock_is(self, ahead: float) -> None:
        """From now on, for the page that is shown."""
        self._ask("Runtime.evaluate", expression=_AHEAD % ahead)

    async def shows(self, words: str) -> str:
        """Until they can be read on the page, within 10 s; all that can be."""
        async with asyncio.timeout(10):
            while True:
                answer = self._ask("Runtime.evaluate", expression="document.body?.innerText ?? ''")
                if words in (text := str(answer["result"].get("value", ""))):
                    return text
                await asyncio.sleep(0.05)

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._count += 1
        order: dict[str, object] = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            order["sessionId"] = self._session
        os.write(self._write, json.dumps(order).encode() + b"\0")
        for message in self._messages():
            if message.get("method") == "Network.requestWillBeSent":
                self._requested.append(message["params"]["request"]["url"])
            if message.get("id") == self._count:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
        raise AssertionError(f"Chromium ended at {method}")

    def _messages(self) -> Iterator[dict[str, Any]]:
        until = time.monotonic() + ANSWERS_WITHIN
        while (left := until - time.monotonic()) > 0:
            whole, end, rest = self._unread.partition(b"\0")
            if end:
                self._unread = rest
                yield json.loads(whole)
                continue
            if not select.select([self._read], [], [], left)[0]:
                break
            received = os.read(self._read, 1 << 20)
            if not received:
                return
            self._unread += received
        raise TimeoutError("Chromium does not answer")


def html_of(letter: Letter, letters: Letters) -> str:
    """The HTML that the letter's mail carries."""
    part = BytesParser(policy=default).parsebytes(letters.render(letter, NOW).raw).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def as_in_word(html: str) -> str:
    """The page with nothing left but what Outlook's engine, Word's, honours."""

    def kept(tag: re.Match[str]) -> str:
        name, before, style, after = tag.groups()
        cell = name in ("td", "th", "table", "ul", "li")
        parts = [part.split(":", 1) for part in style.split(";") if ":" in part and not part.endswith("inherit")]
        said = {
            key: value for key, value in parts if _WORD_KEEPS.match(key) or (cell and _WORD_KEEPS_IN_CELLS.match(key))
        }
        if (padding := said.pop("mso-padding-alt", None)) is not None:
            said["padding"] = padding
        if said.pop("mso-hide", None) is not None:
            said["display"] = "none"
        return f'<{name}{before}style="{";".join(f"{key}:{value}" for key, value in said.items())}"{after}>'

    shown = html.replace("<!--[if mso]>", "").replace("<![endif]-->", "")
    return re.sub(r'<(\w+)([^<>]*?)style="([^"]*)"([^<>]*)>', kept, shown)


def main() -> int:
    """Photograph every sample letter, light and dark, and those for readers in other lights; 0, or 1 where there is no
    Chromium."""
    if CHROMIUM is None:
        sys.stderr.write(f"{ABSENT}\n")
        return 1
    letters = Letters(RULES, instance="pictures")
    for folder in (ALL, SHOWN, BOARD):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.webp"):
            old.unlink()
    with Browser() as browser:
        for name, letter in samples():
            html = html_of(letter, letters)
            for scheme in SCHEMES:
                (ALL / f"{name}-{scheme}.webp").write_bytes(browser.picture(browser.show(html, scheme)))
            if name in SHOWN_AS:
                for light, page, width, forced in (
                    ("large", html, SCREENS["phone with letters twice as large"], False),
                    ("window", html, SCREENS["window"], False),
                    ("forced-dark", html, SCREENS["phone"], True),
                    ("word", as_in_word(html), SCREENS["window"], False),
                ):
                    look = browser.show(page, "light", width, forced_dark=forced)
                    (ALL / f"{name}-{light}.webp").write_bytes(browser.picture(look))
        for name, html in boards():
            for screen, size in BOARD_SCREENS.items():
                for scheme in SCHEMES:
                    look = browser.show(html, scheme, *size)
                    (ALL / f"board-{name}-{screen}-{scheme}.webp").write_bytes(browser.picture(look))
    for screen, scheme in BOARD_SHOWN:
        shutil.copyfile(ALL / f"board-afternoon-{screen}-{scheme}.webp", BOARD / f"{screen}-{scheme}.webp")
    lines = [INDEX]
    for name, scheme in SHOWN_AS.items():
        picture = f"{name}-{scheme}.webp"
        shutil.copyfile(ALL / picture, SHOWN / picture)
        lines.append(f"![{name}]({picture})\n")
    (SHOWN / "README.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(list(ALL.iterdir()))} pictures in {ALL}, {len(SHOWN_AS)} of them in {SHOWN}, ")
    sys.stdout.write(f"{len(BOARD_SHOWN)} in {BOARD}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
