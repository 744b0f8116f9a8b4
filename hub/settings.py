"""Typed settings. A wrong start says every problem at once, in words, and exits.

Variables: HOST, PORT and TAMBOUR_*; each secret may come from a file instead (`NAME_FILE`).
docs/settings.md lists them; a test holds that page against this class.
"""

import ipaddress
import json
import os
import re
import secrets
import socket
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub import clock
from hub.guard import AddressPolicy, parse_pairs

PROJECT = Path(__file__).resolve().parent.parent
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SECRETS = ("secret_key", "database_url", "redis_url", "mqtt_url", "proxy")


class SettingsError(Exception):
    """Every problem found, one a line."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TAMBOUR_", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", validation_alias=AliasChoices("HOST", "host"))
    port: int = Field(8000, ge=1, le=65535, validation_alias=AliasChoices("PORT", "port"))
    data: Path = Field(Path("var"), description="Folder of everything this instance keeps.")
    config: Path = Field(PROJECT / "config", description="Rules, categories, panel models.")
    base_url: str = Field("", description="Public address of this hub, without trailing slash.")
    instance: str = Field("", description="Name of this hub on a shared broker.")
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    mqtt_url: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    contact: str = Field("mailto:tambour@example.org", description="VAPID contact (RFC 8292).")
    allow_private: str = Field("", description="Exact host:port pairs the guard lets through.")
    proxy: SecretStr = Field(SecretStr(""), description="Way out for sources, http://host:port.")
    trusted_proxies: str = Field(
        "127.0.0.1,::1", description="Whose X-Forwarded-For counts: addresses, networks."
    )
    push_hosts: str = Field("", description="Push hosts allowed beside the four browser makers.")
    testing: bool = False
    clock_offset: float = Field(0, description="Seconds; accepted only while testing.")
    log: str = "info"

    @field_validator("base_url")
    @classmethod
    def _plain_base(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: SecretStr) -> SecretStr:
        given = value.get_secret_value()
        if given and urlsplit(given).scheme not in ("http", "https"):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("allow_private")
    @classmethod
    def _pairs(cls, value: str) -> str:
        parse_pairs(p for p in value.split(",") if p.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in value.split(","):
            if network.strip():
                ipaddress.ip_network(network.strip())
        return value

    @field_validator("instance")
    @classmethod
    def _name(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", value):
            raise ValueError("must be small letters, digits and dashes")
        return value

    @property
    def url(self) -> str:
        """The public address; on one machine, the one it listens on."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def database(self) -> str:
        return self.database_url.get_secret_value() or f"sqlite:///{self.data / 'tambour.db'}"

    @property
    def redis(self) -> str:
        return self.redis_url.get_secret_value()

    @property
    def mqtt(self) -> str:
        return self.mqtt_url.get_secret_value()

    @property
    def name(self) -> str:
        return self.instance or re.sub(r"[^a-z0-9-]", "-", socket.gethostname().lower())[:40]

    @property
    def policy(self) -> AddressPolicy:
        return AddressPolicy(parse_pairs(p for p in self.allow_private.split(",") if p.strip()))

    @property
    def proxies(self) -> list[str]:
        return [p.strip() for p in self.trusted_proxies.split(",") if p.strip()]

    @property
    def extra_push_hosts(self) -> frozenset[str]:
        return frozenset(h.strip().lower() for h in self.push_hosts.split(",") if h.strip())

    def secret(self) -> bytes:
        """The instance's secret: the setting, else a file made at the first start (mode 600)."""
        given = self.secret_key.get_secret_value()
        if given:
            return given.encode()
        path = self.data / "secret.key"
        if not path.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}")
            with open(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(48))
            try:
                os.link(partial, path)  # the first process wins; nobody reads half a file
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        return path.read_text().strip().encode()


def load(*, join: bool = True, **overrides: Any) -> Settings:
    """Read the environment. Raises SettingsError that names every wrong variable.

    `join`: what the environment leaves open comes from run.json in the data folder, where a
    `tambour up` keeps what it gave its children; so a command in another terminal joins it.
    """
    given: dict[str, Any] = dict(overrides)
    problems: list[str] = []
    for name in _SECRETS:
        file = os.environ.get(f"TAMBOUR_{name.upper()}_FILE")
        if file:
            try:
                given.setdefault(name, Path(file).read_text().strip())
            except OSError as error:
                problems.append(f"TAMBOUR_{name.upper()}_FILE: {error}")
    if join:
        given = _running(Path(given.get("data") or os.environ.get("TAMBOUR_DATA", "var"))) | given
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for entry in error.errors():
            name = str(entry["loc"][0])
            variable = name if name.isupper() else f"TAMBOUR_{name.upper()}"
            problems.append(f"{variable}: {entry['msg']}")
        raise SettingsError("\n".join(problems)) from error
    if settings.clock_offset and not (settings.testing and settings.host in _LOOPBACK):
        problems.append(
            "TAMBOUR_CLOCK_OFFSET: only with TAMBOUR_TESTING=1 and HOST on the loopback address"
        )
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _running(data: Path) -> dict[str, Any]:
    """The settings of run.json that no variable gives."""
    try:
        kept = json.loads((data / "run.json").read_text())["settings"]
        names = {"host": "HOST", "port": "PORT"}
        return {
            str(name): value
            for name, value in kept.items()
            if not {(variable := names.get(name, f"TAMBOUR_{name.upper()}")), f"{variable}_FILE"}
            & os.environ.keys()
        }
    except (OSError, ValueError, KeyError, AttributeError):
        return {}


@lru_cache(maxsize=1)
def get() -> Settings:
    """This process's settings, read once; sets the test clock."""
    settings = load()
    if settings.clock_offset:
        clock.set_offset(settings.clock_offset)
    return settings
