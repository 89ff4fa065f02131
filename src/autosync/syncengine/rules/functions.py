"""Python functions of the rules, loaded from the folder of the configuration."""

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from autosync.syncengine.errors import EngineError, FlowError


class RuleFunctions:
    """Finds ``module.function`` in a folder. Modules are loaded once for each object of this class.

    A function's own exception becomes a flow error of the object (``extension-dll-exception``) that names the function
    and the exception's class, never its text: that may hold values.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._modules: dict[str, ModuleType] = {}

    def find(self, path: str) -> Callable[..., Any]:
        """Return the function, guarded; raise ``EngineError`` when there is none of that name."""
        module_name, _, name = path.rpartition(".")
        function = getattr(self._module(module_name), name, None)
        if not callable(function):
            raise EngineError(f"there is no function {name!r} in the rules module {module_name!r}")

        def guarded(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Exception as error:  # people's code: whatever it raises belongs to this object
                message = f"{path} raised {type(error).__name__}"
                raise FlowError("extension-dll-exception", "import-flow", message) from error

        return guarded

    def _module(self, name: str) -> ModuleType:
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def _load(self, name: str) -> ModuleType:
        if self._folder is None:
            raise EngineError(f"the rules name the Python module {name!r}, but no folder of rules was given")
        file = self._folder.joinpath(*name.split(".")).with_suffix(".py")
        if not file.is_file():
            raise EngineError(f"the rules module {name!r} is not in {self._folder} (expected {file.name})")
        known_as = f"_autosync_rules_{name.replace('.', '_')}"
        spec = importlib.util.spec_from_file_location(known_as, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[known_as] = module  # dataclasses in it look themselves up there
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise EngineError(
                f"the rules module {file.name} cannot be loaded: {type(error).__name__}: {error}{_line(error, file)}"
            ) from error
        return module


def _line(error: Exception, file: Path) -> str:
    """Return where in the module it happened; a syntax error says so itself."""
    if isinstance(error, SyntaxError):
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f" ({file.name}, line {lines[-1]})" if lines else ""
