"""What `make deb` does with the libraries in its folder: whose they are goes into Debian's copyright file, and what two
Pythons have alike lies there once.

    environment.py LICENCE COPYRIGHT SITE-PACKAGES...
"""

from __future__ import annotations

import filecmp
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path


def copyright_file(own: Path, site_packages: Path) -> str:
    """Our licence, then for each library its licence, where its source is, and its licence's texts.

    ValueError for a library that brings no text: it must not be shipped unseen.
    """
    found = sorted(distributions(path=[str(site_packages)]), key=lambda one: one.name.casefold())
    rule = "\n\n" + "=" * 80 + "\n\n"
    return rule.join([f"Promptly\n\n{own.read_text().rstrip()}", *map(_stated, found)]) + "\n"


def _stated(library: Distribution) -> str:
    about = library.metadata
    classified = [line for line in about.get_all("Classifier", ()) if line.startswith("License ::")]
    licence = about["License-Expression"] or about["License"] or ", ".join(classified) or "as below"
    links = [about["Home-page"], *(link.partition(", ")[2] for link in about.get_all("Project-URL", ()))]
    texts = list(_texts(library))
    if not texts:
        raise ValueError(f"{library.name} brings no text of its licence")
    links_given = "".join(f"\n    {link}" for link in links if link)
    return "\n\n".join([f"{library.name} {library.version}\nLicence: {licence}\nSource:{links_given}", *texts])


def _texts(library: Distribution) -> Iterator[str]:
    for file in library.files or ():
        if ".dist-info/" in str(file) and re.search(r"licen[cs]e|copying|notice|authors", file.name, re.IGNORECASE):
            yield file.read_text().strip()


def link_what_is_alike(first: Path, others: Iterable[Path]) -> None:
    """Files of the others that `first` has with the same bytes become second names of those."""
    for other in others:
        for file in other.rglob("*"):
            twin = first / file.relative_to(other)
            if file.is_file() and twin.is_file() and filecmp.cmp(file, twin, shallow=False):
                file.unlink()
                file.hardlink_to(twin)


if __name__ == "__main__":
    licence, written, first, *others = map(Path, sys.argv[1:])
    written.write_text(copyright_file(licence, first))
    link_what_is_alike(first, others)
