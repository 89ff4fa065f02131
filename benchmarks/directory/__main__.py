"""The directory client and the LDAP connector against OpenLDAP, beside ldapsearch and ldapadd in the same run.

    python -m benchmarks.directory [--entries 100000] [--adds 5000] [--rounds 3]

OpenLDAP runs on the same machine, without syncing to disk, so that the client is what is measured. Best of the rounds.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autosync.directory.client import open_directory
from autosync.directory.searching import Search
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.writes import Delete
from autosync.syncengine.connectors.port import Change, ChangeKind, Connector
from autosync.syncengine.connectors.registry import make_connector
from benchmarks.directory.data import adds, attributes_of, dn_of, ldif
from scripts.services.processes import ServiceMissing
from scripts.services.slapd import Slapd, base_entries, running_slapd

READ_GOAL, ADD_GOAL = 5000, 1500


class Measurements:
    """The best rate of each thing that was measured, in seconds that passed and in seconds of this process's processor."""

    def __init__(self) -> None:
        self.rates: dict[str, float] = {}
        self.by_processor: dict[str, float] = {}

    def take(self, name: str, count: int, work: Callable[[], object]) -> None:
        """Measure once."""
        begin, begin_processor = time.perf_counter(), time.process_time()
        work()
        used = time.process_time() - begin_processor
        self.rates[name] = max(self.rates.get(name, 0.0), count / (time.perf_counter() - begin))
        self.by_processor[name] = max(self.by_processor.get(name, 0.0), count / used)


def main() -> int:
    """Measure and print; return 1 when a goal is missed."""
    arguments = parse_arguments()
    try:
        with running_slapd(
            entries=base_entries("dc=example,dc=org") + ldif(0, arguments.entries, "dc=example,dc=org")
        ) as slapd:
            found = measure(slapd, arguments.entries, arguments.adds, arguments.rounds)
    except ServiceMissing as error:
        print(error)
        return 1
    return report(found, arguments.entries, arguments.adds)


def parse_arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.directory", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--adds", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def measure(slapd: Slapd, entries: int, added: int, rounds: int) -> Measurements:
    """Run every measurement, interleaved, so that all meet the same weather."""
    found = Measurements()
    access = Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password))
    first = entries
    for _ in range(rounds):
        found.take("read: ldapsearch", entries, lambda: ldapsearch(slapd))
        found.take("read: client", entries, lambda: asyncio.run(read(access, slapd.suffix)))
        for delta in ("none", "syncrepl"):
            connector = connector_of(slapd, delta)
            found.take(f"read: connector, full import, delta: {delta}", entries, partial(read_all, connector))
        batch = first
        found.take("add: ldapadd", added, partial(ldapadd, slapd, batch, added))
        batch += added
        found.take("add: client, 50 on their way", added, partial(add_all, access, batch, added, slapd))
        batch += added
        found.take(
            "add: connector, with anchors",
            added,
            partial(export, connector_of(slapd, "none"), batch, added, slapd),
        )
        batch += added
        clean(access, slapd, first, batch)
    return found


def ldapsearch(slapd: Slapd) -> None:
    """Read everything with OpenLDAP's own tool."""
    command = [
        "ldapsearch",
        "-x",
        "-LLL",
        "-H",
        slapd.url,
        "-D",
        slapd.admin,
        "-w",
        slapd.password,
        "-E",
        "pr=1000/noprompt",
    ]
    subprocess.run([*command, "-b", slapd.suffix], stdout=subprocess.DEVNULL, check=True)


def ldapadd(slapd: Slapd, first: int, count: int) -> None:
    """Add with OpenLDAP's own tool, one request after the other."""
    with tempfile.NamedTemporaryFile("w", suffix=".ldif", encoding="utf-8") as file:
        file.write(ldif(first, count, slapd.suffix))
        file.flush()
        command = ["ldapadd", "-x", "-H", slapd.url, "-D", slapd.admin, "-w", slapd.password, "-f", file.name]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


async def read(access: Access, suffix: str) -> None:
    """Read everything with the client."""
    async with open_directory(access) as directory:
        async for _ in directory.entries(Search(base=suffix)):
            pass


def add_all(access: Access, first: int, count: int, slapd: Slapd) -> None:
    """Add with the client."""

    async def main() -> None:
        async with open_directory(access) as directory:
            async for result in directory.write_all(adds(first, count, slapd.suffix)):
                result.require("add")

    asyncio.run(main())


def connector_of(slapd: Slapd, delta: str) -> Connector:
    """Return a connector for the people."""
    settings = {
        "type": "ldap", "server": slapd.url, "user": slapd.admin, "password": slapd.password, "delta": delta,
        "base": f"ou=people,{slapd.suffix}",
    }  # fmt: skip
    return make_connector(settings, Path.cwd())


def read_all(connector: Connector) -> None:
    """Read as a full import of unchanged objects does: anchors and digests."""
    with connector.open_full("default") as reader:
        for batch in reader:
            assert len(batch.anchors) == len(batch.digests)
        assert reader.complete


def export(connector: Connector, first: int, count: int, slapd: Slapd) -> None:
    """Add as an export does, in batches of a thousand."""
    changes = [
        Change(
            kind=ChangeKind.ADD, object_type="person", anchor=None, dn=dn_of(number, slapd.suffix),
            attributes=dict(attributes_of(number)),
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    writer = connector.open_export("default")
    for start in range(0, count, 1000):
        assert all(outcome.error_type is None for outcome in writer.write(changes[start : start + 1000]))
    writer.close()


def clean(access: Access, slapd: Slapd, first: int, end: int) -> None:
    """Delete what a round has added."""

    async def main() -> None:
        async with open_directory(access) as directory:
            async for _ in directory.write_all(Delete(dn=dn_of(number, slapd.suffix)) for number in range(first, end)):
                pass

    asyncio.run(main())


def report(found: Measurements, entries: int, added: int) -> int:
    """Print a table and the ratios to OpenLDAP's own tools; return 1 when a goal is missed."""
    print(
        f"{entries:,} entries read, {added:,} added\n\n"
        "| what | a second | a processor second | to the tool |\n| --- | ---: | ---: | ---: |"
    )
    missed = False
    for name, rate in found.rates.items():
        kind = name.partition(":")[0]
        tool = found.rates[{"read": "read: ldapsearch", "add": "add: ldapadd"}[kind]]
        goal = READ_GOAL if kind == "read" else ADD_GOAL
        late = rate < goal and "ldap" not in name.split()[1]
        missed |= late
        own = "" if "ldap" in name.split()[1] else f"{found.by_processor[name]:,.0f}"
        print(f"| {name} | {rate:,.0f}{' **missed**' if late else ''} | {own} | {rate / tool:.2f} |")
    print(f"\ngoals: {READ_GOAL:,} read and {ADD_GOAL:,} added a second")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
