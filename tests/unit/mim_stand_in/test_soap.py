"""Envelopes."""

import xml.etree.ElementTree as ET

import pytest
from pypsrp.wsman import WSMan

from autosync.testing.mim.soap import SOAP, Faulted, Trouble, fault, request_of, seconds_of

WMI_ERROR = "{http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/MSFT_WmiError}"


def test_a_fault_of_winrm_has_its_code_where_clients_look() -> None:
    told = WSMan._parse_wsman_fault(fault(None, Faulted(Trouble.TIMED_OUT), "SYNC01").decode())

    assert (told.code, told.machine) == (2150858793, "SYNC01")


@pytest.mark.parametrize("trouble", [each for each in Trouble if each.is_wmi])
def test_an_error_of_wmi_is_an_object_with_the_code_inside(trouble: Trouble) -> None:
    envelope = fault(None, Faulted(trouble, "a < b"), "SYNC01")
    told = WSMan._parse_wsman_fault(envelope.decode())

    assert (told.code, told.reason) == (trouble.subcode, "a < b")
    assert ET.fromstring(envelope).findtext(f".//{WMI_ERROR}error_Code") == str(trouble.number)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT20S", 20), ("PT1.5S", 1.5), ("PT1M", 60), ("PT2H0M1S", 7201), ("", None), (None, None), ("20", None)],
)
def test_durations_are_read(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "<", "<!DOCTYPE x><x/>", f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'])
def test_what_is_no_envelope_is_told(text: str) -> None:
    with pytest.raises(Faulted):
        request_of(text.encode())
