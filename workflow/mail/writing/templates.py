"""Templates into text and HTML; the folder `templates/` says how they are written. Knows nothing of mail.

A clinic's own files are read in a sandbox, and may fail in any way: whoever calls decides what stands in for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

OURS = Path(__file__).resolve().parents[3] / "templates"
"""The letters that come with Promptly."""

_BLOCKS = ("first", "lead", "message", "chart", "more")

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+(?![^<>]*>)")

_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


class NoInstruction(Exception):
    """A template whose first line is empty: no letter goes out without its instruction."""


class _Ours(Environment):
    """As Jinja has it, but for what every include looks through: nobody changes the globals of a single template."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class Pages:
    """The templates of one or more folders; a file in an earlier one replaces those of the same name in later ones.

    Each file is read and compiled once, when it is needed first: another clinic's folder is another `Pages`.
    """

    def __init__(self, *folders: Path) -> None:
        # Our own files need no sandbox, and half the time of a page goes into it.
        environment = _Ours if folders == (OURS,) else ImmutableSandboxedEnvironment
        self._sources = environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a file edited under a running daemon counts after SIGHUP, like the configuration
        )

    def render(self, letter: str, values: Mapping[str, object], names: tuple[str, ...] = ()) -> tuple[str, str]:
        """The letter `letter`.txt as plain text and as HTML, where `names` stand apart. Raises whatever its templates
        raise."""
        source = self._sources.get_template(f"{letter}.txt")
        context = source.new_context(dict(values))
        said = {name: _block(source, name, context) for name in _BLOCKS}
        first = " ".join(said["first"].split()).replace("..", ".")  # "S.P." at the end of a sentence
        if not first:
            raise NoInstruction(letter)
        page = {
            **values,
            "first": first[0].upper() + first[1:],
            "message": " ".join(said["message"].split()),  # one line: it is copied into a text message
            "lead": said["lead"],
            "chart": said["chart"],
            "more": said["more"],
            "lead_blocks": _blocks(said["lead"]),
            "more_blocks": _blocks(said["more"]),
            "bars": _bars(said["chart"]),
        }
        text = _tidy(self._sources.get_template("parts/letter.txt").render(page)) + "\n"
        html = self._sources.get_template("parts/letter.html").render(page) + "\n"
        return text, _isolated(html, names)

    def page(self, name: str, values: Mapping[str, object]) -> str:
        """A page that is no letter. Raises whatever its template raises."""
        source = self._sources.get_template(name)
        return "".join(source.root_render_func(source.new_context(dict(values))))  # `render` would hide where it fails

    def compile(self, name: str) -> None:
        self._sources.get_template(name)


@cache
def our_pages() -> Pages:
    """The letters that come with Promptly: the same for every clinic, so they are compiled once a process."""
    return Pages(OURS)


def where(fault: BaseException) -> str:
    """The file, the line and the kind of a template's fault; nothing that the letter says (contract 8.7)."""
    kind = type(fault).__name__
    if isinstance(fault, TemplateSyntaxError):
        return f"{fault.name}, line {fault.lineno}: {kind}"
    if isinstance(fault, NoInstruction):
        return f"{fault.args[0]}.txt: no first line"
    place = _innermost(fault.__traceback__)
    if place is None:
        return f"{fault.name}: not found" if isinstance(fault, TemplateNotFound) else kind
    return f"{place[0]}, line {place[1]}: {kind}"


def explained(fault: BaseException) -> str:
    """The same, and what the fault itself says: only where the letter is about nobody."""
    told = " ".join(str(fault).split())
    return where(fault) if isinstance(fault, NoInstruction) or not told else f"{where(fault)}: {told}"


def _block(source: Template, name: str, context: Context) -> str:
    block = source.blocks.get(name)
    return "" if block is None else _tidy("".join(block(context)))


def _tidy(text: str) -> str:
    lines = "\n".join(map(str.rstrip, text.split("\n")))
    return _EMPTY_LINES.sub("\n\n", lines).strip("\n")


def _blocks(text: str) -> list[tuple[list[str], list[str]]]:
    """Each paragraph: its lines, and the items of the list that it ends with."""
    paragraphs = [paragraph.split("\n") for paragraph in text.split("\n\n") if paragraph]
    return [
        ([line for line in lines if not line.startswith("- ")], [line[2:] for line in lines if line.startswith("- ")])
        for lines in paragraphs
    ]


def _bars(text: str) -> list[list[tuple[str, int, int]]]:
    """Each paragraph of lines ``- name: number``: the name, the number, and how many hundredths of the greatest it is.

    Raises ValueError where a line is none.
    """
    rows = [[line.removeprefix("- ").rsplit(": ", 1) for line in lines.split("\n")] for lines in text.split("\n\n")]
    named = [[(name, int(count)) for name, count in some] for some in rows] if text else []
    most = max((count for some in named for _, count in some), default=0)
    return [[(name, count, -(-100 * count // max(most, 1))) for name, count in some] for some in named]


@lru_cache(maxsize=256)
def _standing(name: str) -> re.Pattern[str]:
    """The name as a word of the page, and not inside a tag. It begins with what is looked for fast: the name itself."""
    return re.compile(rf"{re.escape(escape(name))}(?!\w)(?<!\w{re.escape(escape(name))})(?![^<>]*>)")


def _isolated(html: str, names: tuple[str, ...]) -> str:
    """The page, in which names, and all that is written from right to left, disturb no order of words around them."""
    head, body, page = html.partition("<body")
    for name in names:
        page = _standing(name).sub(r"<bdi>\g<0></bdi>", page)
    return head + body + (page if page.isascii() else _RIGHT_TO_LEFT.sub(r"<bdi>\g<0></bdi>", page))


def _innermost(trace: TracebackType | None) -> tuple[str, int] | None:
    """The deepest template in a traceback. Compiled templates carry themselves among their globals."""
    place = None
    while trace is not None:
        source: Any = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(source, Template) and source.name is not None:
            place = source.name, source.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return place
