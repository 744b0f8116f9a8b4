"""The pictures of docs/panel-compiler.md. `python -m tests.channels.panels.golden` draws them anew:
look at each before you commit it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from channels.panels import model
from channels.panels.compiler import Compiled, compile_notice
from channels.panels.picture import picture
from hub.contracts import Notice
from hub.vocabulary import Status
from tests.channels.panels.corpus_notices import entries

HERE = Path(__file__).resolve().parents[3] / "docs" / "pictures" / "panels"
# Name of the picture, and the title and the place of the notice in the corpus.
CHOSEN = {
    "crue": ("Crue de l'Isère", "Quartier de la Gare, Brignoud"),
    "eau": ("Coupure d'eau", "Rue du Vercors"),
    "route": ("Route barrée", "Rue des Brulis"),
    "fete": ("Fête de la musique", "Place de l'Église"),
    "brocante": ("Brocante", "Parc de la Mairie"),
    "chantier": ("Travaux sur le réseau d'assainissement", "Avenue Aristide-Bergès"),
}
SCALE = 4


def notices() -> dict[str, Notice]:
    """What the pictures show; the last one is an exercise."""
    found = {(entry.what, entry.where): entry.notice for entry in entries()}
    chosen = {name: found[where] for name, where in CHOSEN.items()}
    chosen["exercice"] = replace(found["Rupture de barrage", "Vallée de l'Isère"],
                                 status=Status.EXERCISE)  # fmt: skip
    return chosen


def pictures() -> Iterator[tuple[str, bytes]]:
    """(file name, PNG) of every notice on every model."""
    for name, notice in notices().items():
        for panel in map(model.load, model.names()):
            done = compile_notice(notice, panel, ("fr",), panel.hold_ms, "fr")
            assert isinstance(done, Compiled), (name, panel.name, done)
            yield f"{name}-{panel.name}.png", picture(done.pages, panel, SCALE)


if __name__ == "__main__":
    HERE.mkdir(parents=True, exist_ok=True)
    for file, png in pictures():
        (HERE / file).write_bytes(png)
