"""A look at one object beside whatever runs: the engine's store is only read, so no worker process is needed."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from autosync.adapters.clocks import SystemClock
from autosync.model.errors import NotFound, Refused
from autosync.syncengine.connectors.registry import make_connector
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.errors import EngineError, UnknownName
from autosync.syncengine.spec.parse import parse_spec


def preview(setup: Mapping[str, object], agent: str, anchor: str) -> Mapping[str, object]:
    """Return what synchronization would do to one object, as plain JSON values; nothing is changed.

    ``setup`` is what the worker process would get. Raises ``NotFound`` where there is no such agent or object, and
    ``Refused`` before the engine's first run.
    """
    data, folder, store = setup["data"], Path(str(setup["folder"])), Path(str(setup["store"]))
    assert isinstance(data, Mapping)
    if not store.exists():
        raise Refused(f"there is no engine store at {store} yet: run an import first")
    spec = parse_spec(data)
    if agent not in spec.agents:
        raise NotFound(f'no agent "{agent}" (there are: {", ".join(spec.agents)})')
    engine = SyncEngine.open(
        spec,
        store,
        {name: make_connector(each.connector, folder) for name, each in spec.agents.items()},
        clock=SystemClock().now,
        rules_folder=(folder / str(data.get("rules", "rules.py"))).parent,
        for_running=False,
    )
    try:
        found = engine.preview(agent, anchor)
    except UnknownName as error:
        raise NotFound(str(error)) from error
    except EngineError as error:
        raise Refused(str(error)) from error
    finally:
        engine.close()
    plain: Mapping[str, object] = msgspec.to_builtins(found)
    return plain
