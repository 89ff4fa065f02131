"""What an administrator of the stand-in server does: agents and run profiles come, change their names, and go."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from autosync.adapters.engines.simulated.spaces import Spaces
from autosync.testing.mim.plan import MimAgent, MimProfile
from autosync.testing.mim.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """An agent, how often it was changed, and when."""

    agent: MimAgent
    version: int
    modified: datetime


class Administration:
    """The agents as they are configured now. Each change makes the version grow."""

    def __init__(self, agents: tuple[MimAgent, ...], spaces: Spaces, runs: Runs) -> None:
        self._spaces = spaces
        self._runs = runs
        self._configured: dict[str, Configured] = {}
        for agent in agents:
            self.add_agent(agent)

    @property
    def agents(self) -> tuple[MimAgent, ...]:
        """Return all agents."""
        return tuple(each.agent for each in self._configured.values())

    def configured(self, name: str) -> Configured | None:
        """Return an agent by its name, whatever the case; None when there is none."""
        found = self._configured.get(name)
        folded = name.casefold()
        return found or next((each for key, each in self._configured.items() if key.casefold() == folded), None)

    def add_agent(self, agent: MimAgent) -> None:
        """Create an agent, or change it: partitions, profiles and everything else but its name."""
        before = self._configured.get(agent.name)
        version = before.version + 1 if before else 1
        self._configured[agent.name] = Configured(agent=agent, version=version, modified=self._runs.now())
        self._runs.agents[agent.name] = agent
        self._spaces.add(agent.as_plan())

    def delete_agent(self, name: str) -> None:
        """Delete an agent; its run, if any, is stopped, and its history stays."""
        run = self._runs.running.get(name)
        if run is not None:
            self._runs.stop(run)
        del self._configured[name]

    def rename_profile(self, agent: str, old: str, new: str) -> None:
        """Give a run profile another name."""
        self._change_profiles(agent, lambda each: replace(each, name=new) if each.name == old else each)

    def delete_profile(self, agent: str, profile: str) -> None:
        """Delete a run profile."""
        self._change_profiles(agent, lambda each: None if each.name == profile else each)

    def add_profile(self, agent: str, profile: MimProfile) -> None:
        """Create a run profile."""
        found = self._configured[agent].agent
        self.add_agent(replace(found, profiles=(*found.all_profiles, profile)))

    def _change_profiles(self, agent: str, change: Callable[[MimProfile], MimProfile | None]) -> None:
        found = self._configured[agent].agent
        changed = (change(each) for each in found.all_profiles)
        self.add_agent(replace(found, profiles=tuple(each for each in changed if each is not None)))
