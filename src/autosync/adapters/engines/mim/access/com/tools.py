"""``EngineTools`` on the server itself: ``maexport`` and ``csexport`` as child processes.

Never run on Windows by those who wrote it: it keeps the contract with stand-ins of the two programs.
"""

import asyncio
import importlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from autosync.adapters.engines.mim.access.failing import NO_OBJECT
from autosync.adapters.engines.mim.access.port import CSEXPORT_FILTER, ListedAgent
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineRejected, EngineUnavailable

_SERVICES: Final = ("FIMSynchronizationService", "ADSync")
_DEFAULT: Final = Path("C:/Program Files/Microsoft Forefront Identity Manager/2010/Synchronization Service/Bin")
_PROGRAMS: Final = ("maexport.exe", "csexport.exe")
_KEY: Final = "SYSTEM\\CurrentControlSet\\Services\\{}\\Parameters"
_LIMIT_S: Final = 900.0
_PIECE: Final = 64 * 1024
_SAID_LONGEST: Final = 300


class LocalTools:
    """Implements ``EngineTools``."""

    def __init__(
        self,
        agents: Callable[[], Awaitable[Sequence[ListedAgent]]],
        folders: Callable[[], Sequence[Path]] | None = None,
    ) -> None:
        """Look nowhere yet.

        ``agents`` are asked for when a program failed; ``folders`` are where the programs may be, as the product says
        unless given.
        """
        self._agents = agents
        self._folders = folders or product_folders
        self._bin: Path | None = None

    async def open(self) -> None:
        """Find the tools."""
        self._bin = await asyncio.to_thread(_found, self._folders)

    async def close(self) -> None:
        """Do nothing: no process outlives its file."""

    def export_agent(self, agent: str) -> AsyncIterator[bytes]:
        """Yield what ``maexport`` writes."""
        return self._file(_PROGRAMS[0], agent, ())

    def export_pending(self, agent: str, side: PendingSide) -> AsyncIterator[bytes]:
        """Yield what ``csexport`` writes."""
        return self._file(_PROGRAMS[1], agent, (f"/f:{CSEXPORT_FILTER[side]}",))

    async def _file(self, program: str, agent: str, rest: Sequence[str]) -> AsyncIterator[bytes]:
        if self._bin is None:
            await self.open()
        assert self._bin is not None
        with tempfile.TemporaryDirectory(prefix="autosync-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, "written.xml")
            failure = await _run(self._bin / program, (agent, str(file), *rest))
            if failure:
                raise await self._reason(program, agent, failure)
            with await asyncio.to_thread(_opened, file, program) as written:
                while piece := await asyncio.to_thread(written.read, _PIECE):
                    yield piece

    async def _reason(self, program: str, agent: str, failure: str) -> EngineUnavailable | EngineRejected:
        """Return what a program's failure means: it says little itself, and in the language of the machine."""
        if agent not in {each.name for each in await self._agents()}:
            return EngineRejected(NO_OBJECT, f"there is no management agent {agent}")
        return EngineUnavailable(
            f"{program} for {agent} {failure}. It may want the Administrators group (FIMSyncAdmins) for this account"
        )


async def _run(program: Path, arguments: Sequence[str]) -> str:
    """Run a program to its end; return how it failed, or nothing."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise EngineUnavailable(f"{program} cannot be started: {error.strerror or error}") from None
    try:
        async with asyncio.timeout(_LIMIT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        raise EngineUnavailable(f"{program.name} did not end within {_LIMIT_S / 60:.0f} minutes") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not process.returncode:
        return ""
    text = " ".join(said.decode(errors="replace").split())[:_SAID_LONGEST]
    return f"ended with {process.returncode}: {text or 'nothing was said'}"


def _opened(file: Path, program: str) -> BinaryIO:
    try:
        return file.open("rb")
    except FileNotFoundError:
        raise EngineUnavailable(f"{program} ended well, and wrote no file") from None


def product_folders() -> tuple[Path, ...]:
    """Return where the product's programs may be: by the registry, then where it is installed unless told otherwise."""
    try:
        registry: Any = importlib.import_module("winreg")
    except ModuleNotFoundError:
        return (_DEFAULT,)
    folders: list[Path] = []
    for service in _SERVICES:
        with suppress(OSError), registry.OpenKey(registry.HKEY_LOCAL_MACHINE, _KEY.format(service)) as key:
            folders.append(Path(str(registry.QueryValueEx(key, "Path")[0]), "Bin"))
    return (*folders, _DEFAULT)


def _found(folders: Callable[[], Sequence[Path]]) -> Path:
    looked = tuple(folders())
    for folder in looked:
        if all((folder / program).is_file() for program in _PROGRAMS):
            return folder
    raise EngineUnavailable(
        f"maexport and csexport were not found in {', '.join(map(str, looked)) or 'any folder'}: is this the synchronization "
        "server? command-line-tools: false goes on without them"
    )
