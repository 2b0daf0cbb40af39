"""Alerts: one open alert per cause, told once to every channel, ended when its cause has."""
