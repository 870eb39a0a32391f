"""The pages an operator works by: their commands, to be run as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from tests.daemon_process import ROOT


class Page:
    """A Markdown file. What stands in a fence without a language is for a shell."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._text = (ROOT / name).read_text()

    def blocks(self, language: str = "") -> Iterator[tuple[str, str]]:
        """Each fenced block, in order, with the heading that it stands under."""
        heading = written = ""
        inside: list[str] | None = None
        for line in self._text.splitlines():
            if inside is None and line.startswith("#"):
                heading = line.lstrip("# ")
            elif inside is None and line.startswith("```"):
                inside, written = [], line.removeprefix("```")
            elif inside is not None and line == "```":
                if written == language:
                    yield heading, "\n".join(inside)
                inside = None
            elif inside is not None:
                inside.append(line)

    def block(self, heading: str, language: str = "") -> str:
        """The only block under a heading."""
        (found,) = [text for above, text in self.blocks(language) if above == heading]
        return found

    @cached_property
    def _quoted(self) -> set[str]:
        without_blocks = re.sub(r"^```.*?^```$", "", self._text, flags=re.MULTILINE | re.DOTALL)
        return {" ".join(quoted.split()) for quoted in re.findall(r"`([^`]+)`", without_blocks)}

    def says(self, command: str) -> str:
        """This command, or line of a file, which the page must hold within its text."""
        assert command in self._quoted, f"{self.name} no longer says `{command}`"
        return command
