"""The `tambour` command, one module a group: talking (publish, cancel, board, plan), sources,
subscriptions, certificates, panels, authorities, tokens, and the roles of the running hub."""

from hub.cli.app import app, prepare, run

__all__ = ["app", "prepare", "run"]
