"""One AutoSync from its configuration file to its end: what ``autosync run`` does."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from autosync.bootstrap.configurations import FileConfigurations, load_configuration, recorded
from autosync.bootstrap.logs import log_to
from autosync.bootstrap.parts import parts_of, place_of, webhooks
from autosync.config.load import Loaded
from autosync.config.spec import Configuration
from autosync.core.waiting import explain
from autosync.model.stimuli import SettingsApplied
from autosync.runtime.signals import call_on_stop_signals
from autosync.runtime.supervisor import Face, Supervisor
from autosync.service.service import Service, Sources
from autosync.web.app import build_app
from autosync.web.borders import Access
from autosync.web.server import listen
from autosync.web.server import serve as serve_web
from autosync.web.token_file import ensure_token

VERSION = version("autosync-identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that runs: what the demo and tests hold on to."""

    supervisor: Supervisor
    service: Service
    configuration: Configuration
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    path: Path
    loaded: Loaded
    listener: socket.socket


Companion = Callable[[Running], object]
"""Told once the service can be asked."""


async def serve(path: Path, ready: Companion = lambda _running: None, *faces: Face, log: TextIO | None = None) -> None:
    """Run the service that the file describes until it is asked to stop. ``log``: where lines go but to standard error.

    Raises ``ConfigError`` with every mistake in the file, ``StoreUnavailable`` or ``StoreDamaged`` with the way out.
    """
    path = await asyncio.to_thread(path.absolute)
    loaded = await asyncio.to_thread(load_configuration, path)
    configuration = loaded.required()
    log_to(log, configuration.service.log_level)
    address = configuration.service.listen
    with closing(listen(address.host, address.port)) as listener:  # before anything else: a second one must not begin
        await _serve(_Start(path=path, loaded=loaded, listener=listener), ready, *faces)


async def _serve(start: _Start, ready: Companion, *faces: Face) -> None:
    path, loaded = start.path, start.loaded
    configuration = loaded.required()
    token = ensure_token(configuration.service.token_file)
    parts = parts_of(configuration, path.parent)
    supervisor = Supervisor(parts)
    call_on_stop_signals(supervisor.stop)

    async def web() -> None:
        in_force = await recorded(supervisor.store, loaded, parts.clock, by="start")
        settings = replace(parts.settings, revision=in_force.settings.revision)
        await supervisor.dispatcher.submit_and_wait(SettingsApplied(settings=settings, by="start"))
        configurations = FileConfigurations(path, loaded, in_force, supervisor)
        service = Service(
            Sources(
                writer=supervisor.dispatcher,
                feed=supervisor.journal,
                store=supervisor.store,
                clock=parts.clock,
                explain=explain,
                triggers=supervisor.triggers.health,
                configurations=configurations,
                version=VERSION,
                places={spec.name: place_of(spec) for spec in configuration.engines},
            )
        )
        access = Access.at(token, configuration.service.listen.host)
        app = build_app(service, access, parts.clock, VERSION, webhooks(supervisor.triggers.find))

        def tell(url: str) -> None:
            ready(Running(supervisor=supervisor, service=service, configuration=in_force, url=url))

        await serve_web(app, start.listener, tell)

    await supervisor.run(web, *faces)
