"""What all tests share: hypothesis without deadlines, because machines are shared and slow at times."""

from hypothesis import HealthCheck, settings

settings.register_profile("autosync", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("autosync")
