"""What an installer takes up the ladder: a panel's identity, the broker's certificates, the sheet.

The broker knows a panel by the name in its certificate, `authority/panel`, which is also the middle
of every topic of that panel: one pattern of rights serves them all (config/mosquitto/acl).
"""

from channels.panels.install.ca import Authority, BadRequest, NameTooLong
from channels.panels.install.enrol import Enrolled, Place, broker_files, enrol, identity

__all__ = [
    "Authority", "BadRequest", "Enrolled", "NameTooLong", "Place", "broker_files", "enrol",
    "identity",
]  # fmt: skip
