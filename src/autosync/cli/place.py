"""Where the service is: said on the command line, in the environment, in a configuration nearby, or at its usual address."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from autosync.cli.exits import Exit, Failure

DEFAULT_URL: Final = "http://127.0.0.1:8480"
CONFIG_NAME: Final = "autosync.yaml"
TOKEN_NAME: Final = "autosync.token"  # noqa: S105 - a file's name
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - is compared, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service's address, and the file with its token. ``config`` is the configuration that said so, if one did."""

    url: str
    token_file: Path
    config: Path | None = None

    def token(self) -> str | None:
        """Return the token, or None where there is no such file; raise where it may not be read."""
        try:
            return self.token_file.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(
                Exit.NOT_ALLOWED,
                f"cannot read the token file {self.token_file}: {error.strerror or error}. "
                "Only the account that runs AutoSync can read it; another one: --token-file",
            ) from error


def find_place(url: str | None, token_file: Path | None, environ: Mapping[str, str], folder: Path) -> Place:
    """Return where to ask: options first, then environment, then the configuration here or of the system."""
    url = url or environ.get("AUTOSYNC_URL")
    token_file = token_file or (Path(environ["AUTOSYNC_TOKEN_FILE"]) if "AUTOSYNC_TOKEN_FILE" in environ else None)
    if url and token_file:
        return Place(url=_checked(url), token_file=token_file)
    config = find_config(environ, folder)
    said = {} if config is None else _service_block(config)
    beside = folder if config is None else config.parent
    return Place(
        url=_checked(url or _url(said.get("listen"))),
        token_file=token_file or beside / str(said.get("token-file") or TOKEN_NAME),
        config=config,
    )


def find_config(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Return the configuration: ``AUTOSYNC_CONFIG``, the one in this folder, the demo's below it, or the system's."""
    if environ.get("AUTOSYNC_CONFIG"):
        return Path(environ["AUTOSYNC_CONFIG"])
    if sys.platform == "win32":
        system = Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "autosync" / CONFIG_NAME
    else:
        system = Path("/etc/autosync") / CONFIG_NAME
    return next(
        (path for path in (folder / CONFIG_NAME, folder / "demo" / CONFIG_NAME, system) if path.is_file()), None
    )


def _service_block(config: Path) -> Mapping[str, Any]:
    """Return the ``service`` block; whatever else is wrong with the file is ``config validate``'s to say."""
    import yaml  # noqa: PLC0415 - only where a configuration is near

    try:
        said = yaml.safe_load(config.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    block = said.get("service") if isinstance(said, dict) else None
    return block if isinstance(block, dict) else {}


def _url(listen: object) -> str:
    if listen is None:
        return DEFAULT_URL
    host, _, port = str(listen).rpartition(":")
    host = _EVERYWHERE.get(host.strip("[]"), host)
    return f"http://{host}:{port}"


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Failure(Exit.USAGE, f'"{url}" is no address: write http://host:port')
    return url.rstrip("/")
