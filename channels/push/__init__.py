"""Web Push: `messenger` is the adapter, `payload` what a phone is told, `encryption` and `vapid`
the two RFCs, `sending` the wire. docs/push.md tells the whole way."""

from channels.push.messenger import HOST_REFUSES_US, Push, PushOptions

__all__ = ["HOST_REFUSES_US", "Push", "PushOptions"]
