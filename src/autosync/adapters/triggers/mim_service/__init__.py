"""Watches the MIM Service: fires when requests of the portal were completed, but not for AutoSync's own exports."""
