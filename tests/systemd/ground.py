"""What all tests on a real systemd stand on, made once, as much as possible at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.daemon_process import ROOT
from tests.systemd.machine import SOURCES, Machine, forbidden, lay_out, missing
from tests.systemd.pages import Page
from workflow import VERSION

INSTALL = Page("docs/install.md")
PACKAGE = "As a Debian package"
RELEASES = ("bookworm", "trixie")
BUILT = f"{SOURCES}/build/promptly_{VERSION}_amd64.deb"
NEWER = "99.0"


class Ground:
    """A fresh Debian of each release, our package, and one of a version to come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(3)
        self._wheels = self._pool.submit(_fetch_wheels)
        self._debians = {release: self._pool.submit(lay_out, release, folder / release) for release in RELEASES}
        self._packages: Future[tuple[Path, Path]] = self._pool.submit(self._make_packages)

    def debian(self, release: str) -> Path:
        self._wheels.result()
        return self._debians[release].result()

    @property
    def package(self) -> Path:
        return self._packages.result()[0]

    @property
    def newer(self) -> Path:
        """The same with another first configuration and a file less."""
        return self._packages.result()[1]

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make_packages(self) -> tuple[Path, Path]:
        """As docs/install.md says, on one of the two releases for both."""
        package = self._folder / Path(BUILT).name
        with Machine(self.debian(RELEASES[0])) as machine:
            machine.unpack()
            making, _ = (commands for heading, commands in INSTALL.blocks() if heading == PACKAGE)
            machine.run(making)
            shutil.copy(machine.file(BUILT), package)
        unpacked = self._folder / "newer"
        subprocess.run(["dpkg-deb", "--raw-extract", package, unpacked], check=True)
        for file, old, new in [
            ("DEBIAN/control", f"Version: {VERSION}", f"Version: {NEWER}"),
            ("opt/promptly/workflow/__init__.py", f'VERSION = "{VERSION}"', f'VERSION = "{NEWER}"'),
            ("opt/promptly/first/config.toml", "[clinic]", "# Another first one.\n[clinic]"),
        ]:
            text = (unpacked / file).read_text()
            assert old in text
            (unpacked / file).write_text(text.replace(old, new))
        (unpacked / "opt/promptly/templates/README.md").unlink()
        newer = self._folder / f"promptly_{NEWER}_amd64.deb"
        build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(unpacked), str(newer)]
        subprocess.run(build, stdout=subprocess.DEVNULL, check=True)
        return package, newer


def _fetch_wheels() -> None:
    subprocess.run(["make", "--silent", "build/wheels/.locked"], cwd=ROOT, check=True)


def _place() -> str | None:
    """In memory, where programs may lie there: dpkg waits for the disk after each file."""
    shared = "/dev/shm"
    barring = os.ST_NOEXEC | os.ST_NODEV
    return shared if Path(shared).is_dir() and not os.statvfs(shared).f_flag & barring else None


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """Skips where no Debian can be started; what could be installed is a failure with REQUIRE_REAL_SERVERS=1."""
    if reason := missing():
        if os.environ.get("REQUIRE_REAL_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    if reason := forbidden():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="promptly-debian-", dir=_place()))
    folder.chmod(0o755)
    ground = Ground(folder)
    try:
        yield ground
    finally:
        ground.close()
        shutil.rmtree(folder)
