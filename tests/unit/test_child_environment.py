"""What a child process inherits: enough to run, nothing that is secret."""

from autosync.adapters.child_environment import minimal


def test_secrets_of_the_service_stay_with_the_service() -> None:
    environment = {"MIM_PASSWORD": "x", "AWS_SECRET_ACCESS_KEY": "x", "PGPASSWORD": "x", "AUTOSYNC_TOKEN_FILE": "x"}

    assert minimal(environment) == {}


def test_what_python_and_drivers_need_goes_along() -> None:
    environment = {
        "PATH": "/usr/bin",
        "Path": "C:\\Windows",
        "SystemRoot": "C:\\Windows",
        "TEMP": "t",
        "LC_ALL": "C.UTF-8",
        "TZ": "Europe/Brussels",
        "PYTHONPATH": "src",
        "ORACLE_HOME": "/opt/oracle",
        "PGPASSFILE": "/etc/pgpass",
    }

    assert minimal(environment) == environment
