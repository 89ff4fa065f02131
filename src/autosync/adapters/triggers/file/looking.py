"""Looks at files: sizes and times first, and content only where those changed. Blocking; it runs in threads."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path
from typing import Final, TypeAlias

from autosync.adapters.triggers.file.locks import is_locked
from autosync.adapters.triggers.file.options import FileOptions
from autosync.model.errors import TriggerFailed

Stamp: TypeAlias = tuple[int, int]
"""Size, and time of last change in nanoseconds."""
Sight: TypeAlias = Mapping[str, Stamp]
"""What is there, by name relative to the watched folder."""

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the files hold, as one digest; ``changed`` is the newest time of change in nanoseconds."""

    digest: str
    changed: int
    files: Mapping[str, bytes]
    """Each file's own digest, so that it is not read again as long as its stamp stays."""
    sight: Sight


def look(options: FileOptions) -> Sight:
    """Return the stamps of all watched files; an absent file is simply not in it.

    Raises ``TriggerFailed`` when not even the folder can be looked into.
    """
    try:
        status = options.path.stat()
    except FileNotFoundError:
        folder = options.path if options.must_be_folder else options.path.parent
        if not folder.is_dir():
            raise TriggerFailed(
                f"{folder} is not there; create the folder, or connect the share that it lies on"
            ) from None
        return {}
    except OSError as error:
        raise TriggerFailed(_cannot("look at", options.path, error)) from error
    if options.must_be_folder and not stat.S_ISDIR(status.st_mode):
        raise TriggerFailed(f"{options.path} is no folder; give type: file for a single one")
    if not stat.S_ISDIR(status.st_mode):
        return {options.path.name: (status.st_size, status.st_mtime_ns)}
    try:
        return dict(_inside(options, options.path, ""))
    except OSError as error:
        raise TriggerFailed(_cannot("look into", options.path, error)) from error


def read(options: FileOptions, sight: Sight, known: Content | None) -> Content | None:
    """Return the content of what was seen; None when it is being written, or has changed since.

    Raises ``TriggerFailed`` when a file may not be read.
    """
    files: dict[str, bytes] = {}
    for name, stamp in sight.items():
        if known is not None and known.sight.get(name) == stamp:
            files[name] = known.files[name]
            continue
        digest = _digest(_place(options, name), stamp)
        if digest is None:
            return None
        files[name] = digest
    whole = blake2b(digest_size=16)
    for name in sorted(files):
        whole.update(name.encode("utf-8", "surrogateescape") + b"\0" + files[name])
    changed = max((stamp[1] for stamp in sight.values()), default=0)
    return Content(digest=whole.hexdigest(), changed=changed, files=files, sight=sight)


def _inside(options: FileOptions, folder: Path, prefix: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            try:
                if entry.is_dir():
                    if options.recursive:
                        yield from _inside(options, folder / entry.name, f"{name}/")
                elif _counts(options, entry.name):
                    status = entry.stat()
                    yield name, (status.st_size, status.st_mtime_ns)
            except FileNotFoundError:
                continue  # deleted while we looked


def _counts(options: FileOptions, name: str) -> bool:
    return any(fnmatch(name, each) for each in options.patterns) and not any(
        fnmatch(name, each) for each in options.ignore
    )


def _digest(path: Path, stamp: Stamp) -> bytes | None:
    digest = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            if is_locked(file):
                return None
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        after = path.stat()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        if os.name == "nt" and getattr(error, "winerror", None) in {32, 33}:
            return None  # a sharing or lock violation: somebody writes it
        raise TriggerFailed(_cannot("read", path, error)) from error
    except OSError as error:
        raise TriggerFailed(_cannot("read", path, error)) from error
    return digest.digest() if (after.st_size, after.st_mtime_ns) == stamp else None


def _place(options: FileOptions, name: str) -> Path:
    return options.path if options.path.name == name and not options.path.is_dir() else options.path / name


def _cannot(what: str, path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot {what} {path}: {reason}; give the service's account the right to read it"
