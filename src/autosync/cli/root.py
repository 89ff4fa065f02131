"""What the command line does without a service: load a configuration, run the service itself, preview.

Loaded on demand: the composition root pulls in everything, and ``autosync status`` needs none of it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autosync.bootstrap.doctor import Finding
    from autosync.config.lithnet.importer import Imported
    from autosync.config.load import Loaded


class Root:
    """The composition root, ``autosync.bootstrap``, as commands need it."""

    def load_configuration(self, path: Path) -> "Loaded":
        """Read and validate a file; raise ``ConfigError`` only where there is none to read."""
        from autosync.bootstrap.configurations import load_configuration  # noqa: PLC0415 - see above

        return load_configuration(path)

    def configuration_schema(self) -> Mapping[str, object]:
        """Return the JSON Schema of the file for this installation."""
        from autosync.bootstrap.kinds import KINDS  # noqa: PLC0415
        from autosync.config.file import ROOT  # noqa: PLC0415
        from autosync.options.json_schema import file_schema  # noqa: PLC0415

        return file_schema(ROOT, KINDS)

    def shown(self, loaded: "Loaded") -> str:
        """Return the configuration as YAML with every default filled in, and where each value comes from."""
        from autosync.bootstrap.kinds import KINDS  # noqa: PLC0415
        from autosync.config.show import effective  # noqa: PLC0415
        from autosync.config.show_yaml import as_yaml  # noqa: PLC0415

        return as_yaml(effective(loaded, KINDS))

    async def serve(self, path: Path) -> None:
        """Run the service until it is asked to stop."""
        from autosync.bootstrap import serve  # noqa: PLC0415

        await serve(path)

    def preview(self, path: Path, agent: str, anchor: str) -> Mapping[str, Any]:
        """Return what synchronization would do to one object of an embedded engine; nothing is changed."""
        from autosync.bootstrap.previewing import preview  # noqa: PLC0415

        return preview(path, agent, anchor)

    async def try_trigger(
        self, path: Path, name: str, token: str | None, tell: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """Run one trigger of the configuration here and now, until it fails or is cancelled; tell what it sees."""
        from autosync.bootstrap.trying import try_trigger  # noqa: PLC0415

        await try_trigger(path, name, token, tell)

    def examine(self, path: Path, engine: str | None) -> "AsyncIterator[Finding]":
        """Look at the configuration and at every engine, or at one."""
        from autosync.bootstrap.doctor import examine  # noqa: PLC0415

        return examine(path, engine)

    async def propose(self, options: Mapping[str, object], engine: str, folder: Path) -> str:
        """Return a configuration for the server that the options name."""
        from autosync.bootstrap.proposing import propose  # noqa: PLC0415

        return await propose(options, engine, folder)

    def import_lithnet(
        self, config: bytes, registry: bytes | None, *, engine: str, server: str, zone: str
    ) -> "Imported":
        """Take over the predecessor's configuration; raise ``ConfigError`` when its file cannot be read."""
        from autosync.config.lithnet.importer import import_lithnet  # noqa: PLC0415
        from autosync.config.lithnet.wishes import Wishes  # noqa: PLC0415

        return import_lithnet(config, registry=registry, wishes=Wishes(engine=engine, server=server, zone=zone))
