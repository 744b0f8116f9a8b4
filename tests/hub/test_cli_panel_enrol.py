"""Enrolling a panel on the machine: its files, its sheet, what is said and what is not."""

import json
import re
import stat
from pathlib import Path

import pytest
import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from sqlmodel import select
from typer.testing import CliRunner

from hub import accounts, db, settings
from hub.cli import app, panel_enrol
from hub.models import AuditEvent
from tests import factories

ADDED = panel_enrol.group  # importing it adds the commands


@pytest.fixture
def town(hub_on_sqlite: Path) -> Path:
    authority = factories.town()
    factories.outlet(authority, "panel", "mairie", {"model": "text-8x16"})
    factories.outlet(authority, "website", "site")
    return hub_on_sqlite


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["panel", *words])
    return done.exit_code, done.output


def enrol(out: Path, *words: str) -> dict[str, object]:
    code, said = run(
        "enrol", "--panel", "mairie", "--host", "mqtt.example.org", "--out", str(out), "--json",
        *words,
    )  # fmt: skip
    assert code == 0, said
    answer: dict[str, object] = json.loads(said)
    return answer


def test_a_panel_gets_a_key_a_certificate_its_settings_and_a_sheet(
    town: Path, tmp_path: Path
) -> None:
    answer = enrol(tmp_path / "out")
    assert answer["name"] == "villard-bonnot/mairie"
    assert answer["files"] == ["panel.key", "panel.crt", "ca.crt", "panel.json", "sheet.html"]
    certificate = x509.load_pem_x509_certificate((tmp_path / "out" / "panel.crt").read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "villard-bonnot/mairie"
    ca = x509.load_pem_x509_certificate((tmp_path / "out" / "ca.crt").read_bytes())
    certificate.verify_directly_issued_by(ca)
    told = json.loads((tmp_path / "out" / "panel.json").read_text())
    assert told["broker"] == "mqtts://mqtt.example.org:8883"
    assert told["prefix"] == "tambour/1/villard-bonnot/mairie/"
    with db.reading(db.EVERYWHERE) as session:
        authority = accounts.authority_by_code(session, "villard-bonnot")
        assert told["authority_key_id"] == authority.key_id
        events = session.exec(select(AuditEvent).where(AuditEvent.verb == "enrol")).all()
    assert [event.object for event in events] == ["outlet:mairie"]


def test_secrets_are_in_private_files_and_nowhere_else(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said = run("enrol", "--panel", "mairie", "--host", "h.example.org", "--out", str(out))
    assert code == 0
    body = (out / "panel.key").read_text().splitlines()[1]
    elsewhere = said + "".join(
        p.read_text() for p in out.iterdir() if p.is_file() and p.name != "panel.key"
    )
    assert body not in elsewhere
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [out, *out.iterdir()]}
    assert modes["panel.key"] == 0o600
    assert modes["out"] == 0o700
    ca_key = settings.get().data / panel_enrol.FOLDER / "ca.key"
    assert stat.S_IMODE(ca_key.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in ca_key.read_bytes()


def test_the_sheet_speaks_three_languages_and_carries_a_code_without_a_secret(
    town: Path, tmp_path: Path
) -> None:
    titles = {"fr": "Fiche de pose", "en": "Installation sheet", "es": "Ficha de instalación"}
    for language, title in titles.items():
        enrol(tmp_path / language, "--language", language)
        page = (tmp_path / language / "sheet.html").read_text()
        assert f"<h1>{title}</h1>" in page
        assert "<svg" in page
        assert "mqtts://mqtt.example.org:8883" in page
        assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)


def test_the_code_says_where_who_and_whom_to_trust(town: Path, tmp_path: Path) -> None:
    enrol(tmp_path / "out", "--language", "fr")
    told = json.loads((tmp_path / "out" / "panel.json").read_text())
    ca = x509.load_pem_x509_certificate((tmp_path / "out" / "ca.crt").read_bytes())
    text = (
        "tambour-panel:1?b=mqtts://mqtt.example.org:8883&n=villard-bonnot/mairie"
        f"&k={told['authority_key']}&i={told['authority_key_id']}"
        f"&ca={ca.fingerprint(hashes.SHA256()).hex()}"
    )
    drawn = segno.make(text, error="m", micro=False).svg_inline(scale=4, border=2, omitsize=True)
    assert drawn in (tmp_path / "out" / "sheet.html").read_text()


def test_a_panel_may_keep_its_key_to_itself(town: Path, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "villard-bonnot/gare")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    (tmp_path / "csr").write_bytes(asked.public_bytes(serialization.Encoding.PEM))
    answer = enrol(tmp_path / "out", "--request", str(tmp_path / "csr"))
    assert answer["files"] == ["panel.crt", "ca.crt", "panel.json", "sheet.html"]
    made = x509.load_pem_x509_certificate((tmp_path / "out" / "panel.crt").read_bytes())
    (told,) = made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert told.value == "villard-bonnot/mairie"  # its own name, not the one it asked for
    assert made.public_key() == key.public_key()


def test_a_request_that_cannot_be_signed_is_refused_in_words(town: Path, tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 2048)
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    pem = asked.sign(weak, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    for content, word in ((b"no request", "PEM"), (pem, "elliptic curve")):
        (tmp_path / "csr").write_bytes(content)
        code, said = run(
            "enrol", "--panel", "mairie", "--host", "h", "--out", str(tmp_path / "out"),
            "--request", str(tmp_path / "csr"),
        )  # fmt: skip
        assert code == 1
        assert word in said


def test_a_password_goes_to_the_panel_and_its_hash_to_the_broker(
    town: Path, tmp_path: Path
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("hub:$7$1$a$b\nvillard-bonnot/mairie:$7$old\n")
    enrol(tmp_path / "out", "--password", "--passwords", str(passwords))
    word = (tmp_path / "out" / "panel.password").read_text()
    lines = passwords.read_text().splitlines()
    assert lines[0] == "hub:$7$1$a$b"
    assert len(lines) == 2
    assert lines[1].startswith("villard-bonnot/mairie:$7$101$")
    assert word not in passwords.read_text()
    assert word not in (tmp_path / "out" / "sheet.html").read_text()
    page = tmp_path / "out" / "sheet.html"
    enrol(tmp_path / "out", "--password", "--secret-on-sheet", "--passwords", str(passwords))
    assert "Détruisez-la" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_what_is_not_a_panel_here_is_not_enrolled(town: Path, tmp_path: Path) -> None:
    for code in ("gare", "site"):
        failed, said = run("enrol", "--panel", code, "--host", "h", "--out", str(tmp_path / "x"))
        assert failed == 1
        assert "there are: mairie" in " ".join(said.split())
        assert not (tmp_path / "x").exists()


def test_a_name_too_long_for_a_certificate_is_said_and_takes_a_password(
    town: Path, tmp_path: Path
) -> None:
    with db.reading(db.EVERYWHERE) as session:
        authority = accounts.authority_by_code(session, "villard-bonnot")
    long = "p" * 60
    factories.outlet(authority, "panel", long, {"model": "text-8x16"})
    words = ("enrol", "--panel", long, "--host", "h", "--out", str(tmp_path / "x"))
    code, said = run(*words)
    assert code == 1
    assert "a password" in " ".join(said.split())
    assert run(*words, "--password")[0] == 0


def test_enrolling_anew_and_expelling_make_old_certificates_void(
    town: Path, tmp_path: Path
) -> None:
    tls = tmp_path / "tls"
    code, said = run(
        "broker", "--host", "mqtt.example.org", "--host", "10.0.0.1", "--out", str(tls)
    )
    assert code == 0, said
    server = x509.load_pem_x509_certificate((tls / "server.crt").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mqtt.example.org"]
    serials = []
    for _ in range(2):
        enrol(tmp_path / "out", "--broker-folder", str(tls))
        made = x509.load_pem_x509_certificate((tmp_path / "out" / "panel.crt").read_bytes())
        serials.append(made.serial_number)

    def void() -> list[int]:
        listed = x509.load_pem_x509_crl((tls / "void.pem").read_bytes())
        return [entry.serial_number for entry in listed]

    assert void() == serials[:1]
    code, said = run("expel", "--panel", "mairie", "--broker-folder", str(tls))
    assert code == 0
    assert said.startswith("1 certificate(s)")
    assert void() == serials
