"""Which clinics a node serves: all that are known and not held. It takes them, changes them and lets them go as `apply`
says, each second, and says that the node lives.

Not here: what keeps a clinic at work (`node`), what is known (`workflow.store.premises`), and how a file is read
(`workflow.config.node`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from workflow import VERSION, logs
from workflow.clinic import Clinic, Host
from workflow.clock import Clock
from workflow.config import Config, Faults
from workflow.config.faults import KeyFault
from workflow.config.keys import changed_at_start
from workflow.config.node import NodeConfig, load_clinic
from workflow.node import Keeper, Node
from workflow.operator import Operator
from workflow.practice import Practice, misfit
from workflow.store import Locked, StoreError
from workflow.store.premises import Known, NodeNews, Premises, Standing
from workflow.upkeep import Upkeep

log = structlog.get_logger()

BEAT: Final = 1.0
"""Seconds between two looks."""

UNSERVED: Final = 60.0
"""Seconds without anybody at work after which a clinic is an orphan, and told to the operator."""

AT_ONCE: Final = 32
"""Clinics that begin at the same time: more would make those at work wait for the CPU, and servers wonder."""

LOGIN: Final = 5.0
"""Seconds that a clinic which begins may keep others from it."""

GOODBYE: Final = 10.0
"""Seconds that a clinic which is to be held has for telling its admins."""

RETAIN_EVERY: Final = 3600.0
"""Seconds between two looks at what removed clinics kept."""

LONG_OVERDUE: Final = timedelta(minutes=1)


class Share:
    def __init__(self, node: Node, premises: Premises, config: NodeConfig, clock: Clock) -> None:
        self.operator = Operator(config.operator, config.node.name, clock)
        self._node = node
        self._premises = premises
        self._config = config
        self._clock = clock
        self._since = clock.now()
        self._revision = -1
        self._known: Mapping[str, Known] = {}
        self._taken: dict[str, int] = {}
        """The version by which each clinic here goes."""
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._begun: set[asyncio.Task[None]] = set()
        self._parting: dict[str, asyncio.Task[None]] = {}
        self._retain_at = time.monotonic() + RETAIN_EVERY  # as upkeep: a machine may start with a wrong clock

    async def run(self) -> None:
        """Do it until cancelled."""
        told, retaining = asyncio.create_task(self.operator.run()), None
        try:
            while True:
                try:
                    await self._look()
                except StoreError as error:
                    self._node.troubles = ("The store of all clinics does not answer",)
                    self.operator.tell("the store does not answer", f"The store of all clinics fails: {error}.")
                except Exception as error:  # those that are served go on
                    self._node.troubles = ("What is known of the clinics cannot be followed",)
                    where = logs.place(error)
                    log.error("share failed", error=type(error).__name__, where=where)
                    self.operator.tell("changes are not followed", f"{type(error).__name__} at {where}.")
                else:
                    self._node.troubles = ()
                    if not self._node.ready.is_set():
                        self._node.ready.set()
                        log.info("ready")
                    if (retaining is None or retaining.done()) and time.monotonic() >= self._retain_at:
                        self._retain_at = time.monotonic() + RETAIN_EVERY
                        retaining = asyncio.create_task(self._retain())
                await asyncio.sleep(BEAT)
        finally:
            for task in (told, retaining, *self._parting.values(), *self._begun):
                if task is not None:
                    task.cancel()

    def reread(self) -> None:
        """Read templates, and what was missing, anew (SIGHUP)."""
        self._taken = dict.fromkeys(self._taken, -1)

    # --- each second ------------------------------------------------------------------------------------

    async def _look(self) -> None:
        revision = await self._premises.beat(self._news())
        if revision != self._revision:
            self._known, self._revision = await self._premises.clinics(), revision
        watched = {name: known for name, known in self._known.items() if known.standing is Standing.WATCHED}
        for name in self._node.keepers.keys() - watched.keys() - self._parting.keys():
            self._parting[name] = asyncio.create_task(self._part(name, self._known.get(name)))
        for name, known in watched.items():
            if name not in self._node.keepers:
                self._taken[name] = known.version
                self._node.take(name, partial(self._open, name))
            elif name not in self._parting and known.version != self._taken[name]:
                self._taken[name] = known.version
                self._change(name, known)
        await self._look_after(watched)

    def _news(self) -> NodeNews:
        unfit = {name: reason for name, keeper in self._node.keepers.items() if (reason := _unfit(keeper))}
        return NodeNews(
            name=self._config.node.name,
            pid=os.getpid(),
            since=self._since,
            beat_at=self._clock.now(),
            clinics=len(self._node.practices),
            version=VERSION,
            unfit=unfit,
        )

    async def _look_after(self, watched: Mapping[str, Known]) -> None:
        """What is wrong with clinics as a node sees it."""
        orphans = overdue = 0
        for name in watched:
            keeper = self._node.keepers[name]
            is_orphan = keeper.practice is None and time.monotonic() - keeper.off_since > UNSERVED
            orphans += is_orphan
            if is_orphan or not isinstance(keeper.wrong, Locked | None):
                self._tell_of(name, keeper)  # a verb such as `erase` may hold it for a moment
            if keeper.practice is not None and keeper.practice.overdue:
                now = self._clock.now()
                overdue += len(await keeper.practice.clinic.store.due(now - LONG_OVERDUE))
        self._node.figures = {"promptly_orphans": orphans, "promptly_overdue": overdue}

    def _tell_of(self, name: str, keeper: Keeper) -> None:
        why = _unfit(keeper) or type(keeper.wrong).__name__
        if isinstance(keeper.wrong, Faults):
            advice = f"Put right here what {self._config.file_of(name)} names: {why}. It is tried again in 10 minutes"
            self.operator.tell(f"clinic {name} cannot be served", f"Nobody watches it. {advice}, or at a reload.")
        elif keeper.practice is None and time.monotonic() - keeper.off_since > UNSERVED:
            text = f"Nobody has watched it for a minute ({why}); it is tried again and again. Nothing is lost."
            self.operator.tell(f"clinic {name} is not served", text)
        else:
            text = f"It failed ({why}) and is begun anew, alone; the log says where. Nothing is lost."
            self.operator.tell(f"clinic {name} failed", text)

    # --- one clinic -------------------------------------------------------------------------------------

    async def _open(self, name: str) -> Practice:
        """Raises `Faults` where this node lacks what the clinic needs, and `StoreError`."""
        await self._gate.acquire()
        try:
            config = self._read(name, self._known[name])
            store = await self._premises.claim(name)
            try:
                if (refusal := await misfit(store, config.store.url, rehearsal=False)) is not None:
                    raise Faults(config.path, [KeyFault("store.url", refusal)])
                host = Host(self._config.node.name, partial(self._hear, name))
                practice = Practice(Clinic(config, store, self._clock, host=host))
            except BaseException:
                await store.close()
                raise
        except BaseException:
            self._gate.release()
            raise
        self._begun = {task for task in self._begun if not task.done()} | {asyncio.create_task(self._let_on(practice))}
        return practice

    async def _let_on(self, practice: Practice) -> None:
        """The next clinic may begin once this one's mailbox is watched, or it has had its time."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOGIN):
                    await practice.ready.wait()
        finally:
            self._gate.release()

    def _hear(self, name: str, fault: str, text: str) -> None:
        self.operator.tell(f"clinic {name}: {fault}", text)

    def _read(self, name: str, known: Known, *, secrets: bool = True) -> Config:
        return load_clinic(name, known.toml, self._config, self._premises.url_of(name), secrets=secrets)

    def _change(self, name: str, known: Known) -> None:
        """Go by the file as it is now; where that needs a new start, the clinic alone has one."""
        keeper = self._node.keepers[name]
        if keeper.practice is None:
            keeper.begin_anew()
            return
        try:
            config = self._read(name, known)
        except Faults as faults:
            log.error("configuration not taken", clinic=name, keys=faults.keys)
            text = f"It goes by the file that it had. This node lacks something for {', '.join(faults.keys)}."
            self.operator.tell(f"clinic {name} is not changed", text)
            return
        if changed_at_start(keeper.practice.clinic.config, config):
            keeper.begin_anew()
        else:
            keeper.practice.reload(config)

    async def _part(self, name: str, known: Known | None) -> None:
        """Let a clinic go; one that is held tells its admins first."""
        try:
            practice = self._node.keepers[name].practice
            if practice is not None and known is not None and known.standing is Standing.HELD:
                with suppress(StoreError, TimeoutError):
                    async with asyncio.timeout(GOODBYE):
                        await practice.tell_held()
            await self._node.give(name)
            log.info("clinic let go", clinic=name)
        finally:
            del self._parting[name]

    # --- removed clinics --------------------------------------------------------------------------------

    async def _retain(self) -> None:
        """What they kept goes by their `[privacy]`; an open case counts as closed when its clinic was removed."""
        for name, known in self._known.items():
            if known.standing is not Standing.REMOVED or name in self._node.keepers:
                continue
            try:
                config = self._read(name, known, secrets=False)
                store = await self._premises.claim(name)
                try:
                    upkeep = Upkeep(Clinic(config, store, self._clock))
                    await upkeep.retain()
                    removed_at = known.changed_at or self._since
                    if self._clock.now() - removed_at >= config.privacy.keep_names:
                        for case in (await store.open_cases()).open:
                            await upkeep.erase(case.id)
                finally:
                    await store.close()
            except (Faults, StoreError) as error:
                log.error("removed clinic not looked through", clinic=name, error=type(error).__name__)
            except Exception as error:  # one clinic's trouble is its own
                log.error("upkeep failed", clinic=name, error=type(error).__name__, where=logs.place(error))


def _unfit(keeper: Keeper) -> str:
    """The keys for which this node lacks something; "" where it does not."""
    return ", ".join(keeper.wrong.keys) if isinstance(keeper.wrong, Faults) else ""
