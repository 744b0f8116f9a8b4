"""The MQTT 5 broker on one machine: mosquitto where it is installed, else the iotcore wheel.

iotcore keeps everything in memory: after its restart the retained plans are gone, and the hub, who
is the truth, says them again. Both listen on the loopback address only and want a password.
"""

import base64
import hashlib
import os
import shutil
import sys
from pathlib import Path

from hub.embedded import ports
from hub.embedded.process import Service, private_file

USER = "tambour"

# Without the two zeros a slow subscriber got 1,665 of 5,000 messages, all acknowledged to the hub.
MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
max_queued_messages 0
max_inflight_messages 0
max_packet_size 1100000
persistence true
persistence_location {folder}/
autosave_interval 60
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
{user}
"""

IOTCORE = """\
id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 500
dynamic_filters = true
[v5.1.connections.auth]
{name} = "{password}"
"""

# rumqttd traces every packet as an error; only its own death is of interest here.
SERVE = """\
import logging, sys
logging.getLogger("rumqttd").setLevel(logging.CRITICAL + 1)
from iotcore.iotcore import IotCoreBroker
IotCoreBroker(config_path=sys.argv[1]).run_forever()
"""


def url(port: int, password: str) -> str:
    return f"mqtt://{USER}:{password}@127.0.0.1:{port}"


def mosquitto_binary() -> str | None:
    """Debian keeps it in /usr/sbin, which an ordinary user's path leaves out."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def service(folder: Path, port: int, password: str, *, wheel: bool = False) -> Service:
    """A broker on 127.0.0.1:`port`; its files in `folder`. `wheel`: never mosquitto."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = None if wheel else mosquitto_binary()
    if binary:
        private_file(folder / "passwords", f"{USER}:{_hashed(password)}\n")
        # As root it would become the user mosquitto, who may not enter our folder.
        user = "user root" if os.geteuid() == 0 else ""
        config = folder / "mosquitto.conf"
        private_file(config, MOSQUITTO.format(port=port, folder=folder, user=user))
        argv: tuple[str, ...] = (binary, "-c", str(config))
        title = "mosquitto"
    else:
        config = folder / "iotcore.toml"
        private_file(config, IOTCORE.format(port=port, name=USER, password=password))
        argv = (sys.executable, "-c", SERVE, str(config))
        title = "iotcore"
    return Service(
        name="broker",
        argv=argv,
        ready=lambda _log: ports.answers("127.0.0.1", port),
        title=title,
        foundation=True,
    )


def _hashed(password: str) -> str:
    """As mosquitto_passwd writes it: $7$, rounds, salt, PBKDF2-HMAC-SHA512 of 64 bytes."""
    salt, rounds = os.urandom(12), 1000
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
    b64 = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"$7${rounds}${b64[0]}${b64[1]}"
