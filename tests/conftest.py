"""What all tests share: hypothesis without deadlines, because machines are slow at times; and who runs what in parallel."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

settings.register_profile("autosync", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("autosync")

_WITH_A_DOMAIN_CONTROLLER = ("test_active_directory_", "test_no_change_is_lost")


class OneDomainController(LoadFileScheduling):  # type: ignore[misc] # it has no types
    """A file is one worker's, and so are all files that need a domain controller: one is dear enough."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "domain controller" if file.rpartition("/")[2].startswith(_WITH_A_DOMAIN_CONTROLLER) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneDomainController | None:
    return OneDomainController(config, log) if config.getvalue("dist") == "loadfile" else None
