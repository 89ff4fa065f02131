"""Names and numbers by which things are known. Numbers are given by counters in the core's state, never by chance."""

from typing import NewType

EngineName = NewType("EngineName", str)
"""The name of an engine in the configuration."""

AgentId = NewType("AgentId", str)
"""``engine/agent``: an agent of one engine; the part behind the first slash is the engine's own name for it."""

PartitionName = NewType("PartitionName", str)
"""A partition as the engine names it: a DN for Active Directory, ``default`` for most others."""

ProfileName = NewType("ProfileName", str)
"""A run profile as the engine names it."""

TriggerId = NewType("TriggerId", str)
"""``engine/agent#name``: a trigger of an agent, by its ``name`` in the configuration, or its type and place."""

RequestId = NewType("RequestId", int)
RunId = NewType("RunId", int)
HoldId = NewType("HoldId", int)
CascadeId = NewType("CascadeId", int)


def agent_id(engine: EngineName, name: str) -> AgentId:
    """Return the id of the agent that ``engine`` calls ``name``."""
    return AgentId(f"{engine}/{name}")


def engine_of(agent: AgentId) -> EngineName:
    """Return the engine of ``agent``."""
    return EngineName(agent.partition("/")[0])


def name_of(agent: AgentId) -> str:
    """Return the engine's own name for ``agent``."""
    return agent.partition("/")[2]
