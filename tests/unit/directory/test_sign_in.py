"""A directory that refuses a Windows account is told with a way out that is not what was done already."""

import pytest

from autosync.directory.errors import SignInFailed
from autosync.directory.results import Result
from autosync.directory.sign_in import _require


@pytest.mark.parametrize(
    ("is_secured", "way_out"), [(False, "Use ldaps:// or start-tls"), (True, "use ldap:// without it")]
)
def test_a_directory_that_wants_other_protection_says_which(is_secured, way_out):
    refused = Result(code=8, diagnostic="SASL:[GSS-SPNEGO]: Sign or Seal are required.")

    with pytest.raises(SignInFailed, match=way_out):
        _require(refused, "svc@CORP.EXAMPLE", is_secured=is_secured)
