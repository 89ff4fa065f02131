"""The configuration of an agent as ``maexport`` writes it."""

from datetime import datetime
from html import escape

from autosync.testing.mim.plan import MimAgent, MimPartition, MimProfile, MimStep, guid_of
from autosync.testing.mim.run_xml import written
from autosync.testing.mim.step_xml import custom_data, step_type, threshold


def agent_file(agent: MimAgent, version: int, modified: datetime, server: str, now: datetime) -> bytes:
    """Return the whole file, in UTF-8."""
    when = written(modified)
    head = (
        f"<saved-ma-configuration server='{escape(server)}' export-date='{written(now)}'>\n<!--WARNING>\n"
        "!! A stand-in server wrote this file.\n</WARNING-->\n<ma-data>\n <format-version>1</format-version>\n"
        f" <id>{agent.guid}</id>\n <name>{escape(agent.name)}</name>\n <category>{escape(agent.category)}</category>\n"
        f" <subtype/>\n <ma-listname/>\n <ma-companyname/>\n <creation-time>{when}</creation-time>\n"
        f" <last-modification-time>{when}</last-modification-time>\n <version>{version}</version>\n"
        " <internal-version>0</internal-version>\n <password-sync-allowed>0</password-sync-allowed>\n"
    )
    partitions = "".join(_partition(each, agent, when) for each in agent.partitions)
    profiles = "".join(_profile(each, agent, when) for each in agent.all_profiles)
    return (
        f"{head}{_SCHEMA}{_private(agent)} <ma-partition-data>\n{partitions} </ma-partition-data>\n"
        f" <ma-run-data>\n{profiles} </ma-run-data>\n</ma-data>\n</saved-ma-configuration>\n"
    ).encode()


_SCHEMA = (
    ' <schema>\n  <dsml xmlns="http://www.dsml.org/DSML"><directory-schema><class id="person"><name>person</name></class>'
    "</directory-schema></dsml>\n </schema>\n"
)


def _private(agent: MimAgent) -> str:
    return f" <private-configuration>\n  {_settings(agent)}\n </private-configuration>\n"


def _settings(agent: MimAgent) -> str:
    if agent.category in {"AD", "ADAM"}:
        port = f"<forest-port>{agent.port}</forest-port>" if agent.port is not None else ""
        return (
            f"<adma-configuration><forest-name>{escape(agent.forest)}</forest-name>{port}"
            "<forest-login-domain>CORP</forest-login-domain><forest-login-user>svc-mim-ma</forest-login-user>"
            '<sign-and-seal>1</sign-and-seal><ssl-bind crl-check="0">0</ssl-bind><simple-bind>0</simple-bind>'
            "</adma-configuration>"
        )
    if agent.category == "FIM":
        return (
            "<fimma-configuration><connection-info><server>sql1</server><databasename>FIMService</databasename>"
            f"<serviceHost>{escape(agent.service_host)}</serviceHost><authentication>integrated</authentication>"
            "<domain>CORP</domain><user>svc-mim-ma</user></connection-info></fimma-configuration>"
        )
    return (
        "<oledbma-configuration><connection-info><provider>SQLOLEDB.1</provider><server>sql1</server>"
        "<databasename>source</databasename></connection-info></oledbma-configuration>"
    )


def _partition(partition: MimPartition, agent: MimAgent, when: str) -> str:
    shown = f"<display-name>{escape(partition.display_name)}</display-name>" if partition.display_name else ""
    return (
        f"  <partition>\n   <id>{agent.partition_id(partition.name)}</id>\n   <name>{escape(partition.name)}</name>{shown}\n"
        f"   <creation-time>{when}</creation-time>\n   <version>1</version>\n"
        f"   <selected>{int(partition.selected)}</selected>\n"
        "   <filter><object-classes><object-class>person</object-class></object-classes><containers><exclusions/>"
        f"<inclusions><inclusion>{escape(partition.name) if partition.is_dn else ''}</inclusion></inclusions></containers>"
        f"</filter>\n   <custom-data>{_domain(partition)}</custom-data>\n"
        f"   <allowed-operations>{partition.allowed_operations}</allowed-operations>\n  </partition>\n"
    )


def _domain(partition: MimPartition) -> str:
    if not partition.is_dn:
        return ""
    preferred = "".join(f"<preferred-dc>{escape(each)}</preferred-dc>" for each in partition.domain_controllers)
    last = f"<last-dc>{escape(partition.domain_controllers[-1])}</last-dc>" if partition.domain_controllers else ""
    return (
        f"<adma-partition-data><dn>{escape(partition.name)}</dn><name>{escape(partition.dns_name)}</name>"
        f"<is-domain>{int(bool(partition.dns_name))}</is-domain><preferred-dcs>{preferred}</preferred-dcs>{last}"
        "</adma-partition-data>"
    )


def _profile(profile: MimProfile, agent: MimAgent, when: str) -> str:
    steps = "".join(_step(step, agent, place) for place, step in enumerate(profile.steps))
    return (
        f"  <run-configuration>\n   <id>{guid_of(agent.guid, 'profile', profile.name)}</id>\n"
        f"   <name>{escape(profile.name)}</name>\n   <creation-time>{when}</creation-time>\n   <version>1</version>\n"
        f"   <configuration>{steps}</configuration>\n  </run-configuration>\n"
    )


def _step(step: MimStep, agent: MimAgent, place: int) -> str:
    """Return a step. As in real files, the case of one partition's id differs inside the file."""
    partition = agent.partition_id(step.partition)
    shown = partition.lower() if place % 2 else partition
    return f"<step>{step_type(step)}{threshold(step)}<partition>{shown}</partition>{custom_data(agent)}</step>"
