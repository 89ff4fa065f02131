"""The composition root: the only place that names concrete adapters and puts them together."""

from autosync.bootstrap.configurations import load_configuration
from autosync.bootstrap.serving import Running, serve

__all__ = ["Running", "load_configuration", "serve"]
