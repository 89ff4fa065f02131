"""A client as small as can be: pypsrp, and the envelopes by hand."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan

from autosync.testing.mim.provider import ACCOUNT
from autosync.testing.mim.server import PASSWORD, MimStandIn

ROOT = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/MicrosoftIdentityIntegrationServer/"
SYSTEM = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
TIMED_OUT = 2150858793
NOT_FOUND, DENIED, INTERNAL, FILTER = (
    "wsa:DestinationUnreachable",
    "w:AccessDenied",
    "w:InternalError",
    "wsen:CannotProcessFilter",
)
"""What pypsrp keeps of an error of WMI: its code stands where pypsrp does not look."""


def connect(server: MimStandIn, *, user: str = ACCOUNT, password: str = PASSWORD, **more) -> WSMan:
    options = {"ssl": server.url.startswith("https"), "auth": "ntlm", **more}
    return WSMan(server.host, port=server.port, username=user, password=password, **options)


def selectors(named: Mapping[str, str]) -> SelectorSet:
    found = SelectorSet()
    for name, text in named.items():
        found.add_option(name, text)
    return found


def get(client: WSMan, of: str, **named: str) -> dict[str, str | None]:
    body = client.get(f"{ROOT}{of}", selector_set=selectors(named))
    return properties(body[0])


def invoke(client: WSMan, of: str, method: str, named: Mapping[str, str], timeout: int = 5, **arguments: str) -> str:
    uri = f"{ROOT}{of}"
    body = ET.Element(f"{{{uri}}}{method}_INPUT")
    for name, text in arguments.items():
        ET.SubElement(body, f"{{{uri}}}{name}").text = text
    said = client.invoke(f"{uri}/{method}", uri, body, selector_set=selectors(named), timeout=timeout)
    found = said.find(f".//{{{uri}}}ReturnValue")
    assert found is not None
    return found.text or ""


def execute(client: WSMan, agent: str, profile: str, timeout: int = 5) -> str:
    return invoke(client, "MIIS_ManagementAgent", "Execute", {"Name": agent}, timeout, RunProfileName=profile)


def select(client: WSMan, query: str, *, at_once: int = 50, root: str = ROOT) -> list[dict[str, str | None]]:
    body = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}MaxElements").text = str(at_once)
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}Filter", Dialect=WQL).text = query
    said = client.enumerate(f"{root}*", body)
    rows = items(said)
    while (
        said.find(".//wsman:EndOfSequence", NAMESPACES) is None
        and said.find(".//wsen:EndOfSequence", NAMESPACES) is None
    ):
        pull = ET.Element(f"{{{NAMESPACES['wsen']}}}Pull")
        ET.SubElement(pull, f"{{{NAMESPACES['wsen']}}}EnumerationContext").text = said.findtext(
            ".//wsen:EnumerationContext", "", NAMESPACES
        )
        ET.SubElement(pull, f"{{{NAMESPACES['wsen']}}}MaxElements").text = str(at_once)
        said = client.pull(f"{root}*", pull)
        rows += items(said)
    return rows


def items(said: ET.Element) -> list[dict[str, str | None]]:
    holders = (said.find(".//wsman:Items", NAMESPACES), said.find(".//wsen:Items", NAMESPACES))
    return [properties(each) for holder in holders if holder is not None for each in holder]


def properties(instance: ET.Element) -> dict[str, str | None]:
    nil = f"{{{NAMESPACES['xsi']}}}nil"
    return {
        each.tag.rpartition("}")[2]: None if each.get(nil) == "true" else "".join(each.itertext()) for each in instance
    }
