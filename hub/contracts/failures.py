"""What an adapter may raise, and the base of every kind's options."""

from pydantic import BaseModel, ConfigDict


class StrictOptions(BaseModel):
    """Base of every kind's Options: unknown keys are errors, values are not coerced loosely."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdapterFailure(Exception):
    """Base of what an adapter may raise; `reason` is shown to the press officer as it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(AdapterFailure):
    """Surely not done, may be tried again; `retry_after` in seconds when the other side said."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PermanentFailure(AdapterFailure):
    """Surely not done, and trying the same again will not help."""


class NotConfigured(AdapterFailure):
    """An option or a credential is missing or refused; a person must act."""
