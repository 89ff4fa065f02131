"""The small adapters around the runtime: the system's clock, systemd, the log channel, signals."""

import asyncio
import os
import signal
import socket
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import structlog

from autosync.adapters.clocks import SystemClock
from autosync.adapters.notifiers.log import LogKind, LogNotifier
from autosync.adapters.systemd import notify
from autosync.runtime.signals import call_on_stop_signals


def test_the_system_s_clock_is_aware_and_goes_on():
    clock = SystemClock()
    before, elapsed = clock.now(), clock.elapsed()
    asyncio.run(clock.sleep(0.001))

    assert clock.now().tzinfo is UTC
    assert timedelta(0) <= clock.now() - before < timedelta(minutes=1)
    assert clock.elapsed() > elapsed


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no systemd here")
def test_systemd_is_told_where_it_listens(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(1)

        assert notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_told_and_nothing_fails(tmp_path):
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "nobody")})


def test_the_log_channel_writes_one_line_whatever_the_body_says():
    with structlog.testing.capture_logs() as lines:
        asyncio.run(LogNotifier().send({"text": "held", "event": "hold-opened"}))

    assert lines == [{"event": "notice", "log_level": "warning", "text": "held", "_event": "hold-opened"}]


def test_the_log_channel_has_no_options():
    assert not LogKind().parse({}, Path()).mistakes
    assert [each.path for each in LogKind().parse({"to": "me"}, Path()).mistakes] == [("to",)]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently there")
def test_a_signal_asks_for_the_stop_in_the_loop():
    async def main():
        asked = asyncio.Event()
        call_on_stop_signals(asked.set)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(1):
            await asked.wait()
        loop = asyncio.get_running_loop()
        return [loop.remove_signal_handler(number) for number in (signal.SIGTERM, signal.SIGINT)]

    assert asyncio.run(main()) == [True, True]
