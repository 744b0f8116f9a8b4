"""What the page would show, and what a person should read before publishing. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from channels.website.entries import Site, entry, language_of
from channels.website.wording import base_of
from hub.contracts import Notice, Refusal, Rendering
from hub.vocabulary import Intent, Scope

# CAP 1.2 section 3.2.2: a headline should be at most 160 characters long, for small devices.
_HEADLINE: Final = 160
_LONG: Final = timedelta(days=90)

NOT_PUBLIC: Final = Refusal(
    field="scope",
    reason="Un site web est ouvert à tous : il ne porte que des annonces publiques.",
    what_would_fit="Choisissez la diffusion publique, ou retirez le site de cette annonce.",
)

_SAID: Final[dict[str, dict[str, str]]] = {
    "fr": {
        "withdrawn": "L’annonce est retirée de la page et des flux.",
        "language": "« {headline} » n’a pas de texte dans la langue du site ({wished}) ; "
        "la page la montre en {got}.",
        "headline": "« {headline} » compte {count} caractères ; au-delà de {limit}, "
        "certains lecteurs d’alertes coupent le titre.",
        "empty": "« {headline} » n’a pas de description : la page ne montre que le titre.",
        "area": "« {headline} » n’a ni lieu ni zone ; les lecteurs d’alertes retiennent "
        "tout le territoire de {authority}.",
        "alt": "Une image de « {headline} » n’a pas de texte de remplacement.",
        "long": "« {headline} » reste affichée plus de {days} jours.",
    },
    "en": {
        "withdrawn": "The notice is removed from the page and the feeds.",
        "language": "“{headline}” has no text in the site’s language ({wished}); "
        "the page shows it in {got}.",
        "headline": "“{headline}” is {count} characters long; beyond {limit}, "
        "some alert readers cut the headline.",
        "empty": "“{headline}” has no description: the page shows the headline only.",
        "area": "“{headline}” names no place; alert readers will take the whole "
        "territory of {authority}.",
        "alt": "A picture of “{headline}” has no alternative text.",
        "long": "“{headline}” stays for more than {days} days.",
    },
    "es": {
        "withdrawn": "El aviso se retira de la página y de los canales.",
        "language": "«{headline}» no tiene texto en el idioma del sitio ({wished}); "
        "la página lo muestra en {got}.",
        "headline": "«{headline}» tiene {count} caracteres; a partir de {limit}, "
        "algunos lectores de alertas cortan el titular.",
        "empty": "«{headline}» no tiene descripción: la página solo muestra el titular.",
        "area": "«{headline}» no indica lugar; los lectores de alertas tomarán todo "
        "el territorio de {authority}.",
        "alt": "Una imagen de «{headline}» no tiene texto alternativo.",
        "long": "«{headline}» permanece más de {days} días.",
    },
}


def preview(notices: Sequence[Notice], language: str) -> Rendering | Refusal:
    """The page's text, each notice after the other."""
    if any(notice.scope is not Scope.PUBLIC for notice in notices):
        return NOT_PUBLIC
    said = _SAID[base_of(language)]
    parts, warnings = [], []
    for notice in notices:
        if notice.intent is Intent.WITHDRAW:
            parts.append(said["withdrawn"])
            continue
        parts.append(_as_shown(notice, language))
        warnings += _warnings(notice, language, said)
    facts = {
        "formats": ["html", "json", "rss", "atom", "ics", "cap"],
        "languages": sorted({at for notice in notices for at in notice.texts}),
    }
    return Rendering("\n\n".join(parts), facts, tuple(warnings))


def _as_shown(notice: Notice, language: str) -> str:
    site = Site("", notice.station, "", language, notice.timezone, notice.authority_name)
    shown = entry(notice, site)
    lines = [shown.title, shown.when, notice.area_desc, "", shown.words.description]
    lines += ["", shown.words.instruction] if shown.words.instruction else []
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip()


def _warnings(notice: Notice, language: str, said: dict[str, str]) -> list[str]:
    got = language_of(notice, language)
    text = notice.texts[got]
    facts: dict[str, Any] = {
        "headline": text.headline,
        "wished": language,
        "got": got,
        "count": len(text.headline),
        "limit": _HEADLINE,
        "authority": notice.authority_name,
        "days": _LONG.days,
    }
    cases = {
        "language": got.partition("-")[0] != language.partition("-")[0],
        "headline": len(text.headline) > _HEADLINE,
        "empty": not text.description and not text.instruction,
        "area": not notice.area and not notice.area_desc,
        "alt": any(not image.alt.get(got) for image in notice.images),
        "long": notice.expires - (notice.onset or notice.effective) > _LONG,
    }
    return [said[name].format_map(facts) for name, true in cases.items() if true]
