"""Alerts: rules that are evaluated every few seconds, and messages to those who are to know."""
