"""What ``autosync preview`` asks: what would synchronization do to one object."""

import os
from collections.abc import Mapping
from pathlib import Path

from autosync.adapters.engines.embedded.options import EmbeddedOptions, setup_of
from autosync.adapters.engines.embedded.previewing import preview as preview_embedded
from autosync.adapters.secrets.sources import Secrets
from autosync.bootstrap.configurations import load_configuration
from autosync.model.errors import NotFound, Refused


def preview(path: Path, agent: str, anchor: str) -> Mapping[str, object]:
    """Return what the configuration's embedded engine would do to the object; raise ``NotFound`` or ``Refused``."""
    specs = {spec.name: spec for spec in load_configuration(path).required().engines}
    engine, slash, name = agent.partition("/")
    if not slash and len(specs) == 1:
        engine, name = next(iter(specs)), agent
    spec = next((spec for known, spec in specs.items() if known == engine), None)
    if spec is None:
        raise NotFound(
            f'no engine "{engine}" in {path} (there are: {", ".join(specs)}); name the agent as engine/agent'
        )
    if not isinstance(spec.options, EmbeddedOptions):
        raise Refused(f"{engine} is no embedded engine: only that one can say beforehand what it would do")
    return preview_embedded(setup_of(spec.options, Secrets(os.environ, path.absolute().parent)), name, anchor)
