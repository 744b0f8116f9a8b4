"""What Météo-France's nine hazards are called, and what to do, in three languages.

The advice is short and our own, after the conduct that the Vigilance publishes for each hazard.
"""

from typing import Final

from connectors.levels import SAID, Level
from connectors.wording import Words, pick

# Code → its name, and our category.
PHENOMENA: Final[dict[str, tuple[Words, str]]] = {
    "1": (("vent violent", "violent wind", "viento fuerte"), "met"),
    "2": (("pluie-inondation", "rain and flooding", "lluvia e inundación"), "met"),
    "3": (("orages", "thunderstorms", "tormentas"), "met"),
    "4": (("crues", "river flooding", "crecidas"), "flood"),
    "5": (("neige-verglas", "snow and ice", "nieve y hielo"), "met"),
    "6": (("canicule", "heatwave", "ola de calor"), "met"),
    "7": (("grand froid", "extreme cold", "frío extremo"), "met"),
    "8": (("avalanches", "avalanches", "aludes"), "met"),
    "9": (
        ("vagues-submersion", "waves and coastal flooding", "oleaje e inundación costera"),
        "flood",
    ),
}

_HEADLINE: Final[Words] = (
    "Vigilance {level} {hazard} {where}",
    "{Level} warning for {hazard}: {name}",
    "Aviso {level} por {hazard}: {name}",
)
_OVER: Final[Words] = (
    "Pas de vigilance {hazard} {where}",
    "No warning for {hazard}: {name}",
    "Sin aviso por {hazard}: {name}",
)
_DO: Final[dict[str, Words]] = {
    "1": (
        "Limitez vos déplacements. Rangez ou fixez les objets exposés au vent. "
        "Évitez les bois et ne touchez pas aux fils électriques tombés au sol.",
        "Travel as little as possible. Bring in or tie down what the wind could carry away. "
        "Keep out of woods and do not touch fallen power lines.",
        "Limite sus desplazamientos. Guarde o sujete los objetos expuestos al viento. "
        "Evite los bosques y no toque cables eléctricos caídos.",
    ),
    "2": (
        "Limitez vos déplacements. Ne vous engagez ni à pied ni en voiture sur une voie inondée. "
        "Éloignez-vous des cours d'eau et ne descendez pas dans les sous-sols.",
        "Travel as little as possible. Do not walk or drive on a flooded road. "
        "Keep away from streams and stay out of basements.",
        "Limite sus desplazamientos. No entre a pie ni en coche en una vía inundada. "
        "Aléjese de los cursos de agua y no baje a los sótanos.",
    ),
    "3": (
        "Mettez-vous à l'abri dans un bâtiment, loin des arbres. "
        "Évitez les activités de plein air et les appareils électriques.",
        "Take shelter in a building, away from trees. "
        "Avoid outdoor activities and electrical appliances.",
        "Resguárdese en un edificio, lejos de los árboles. "
        "Evite las actividades al aire libre y los aparatos eléctricos.",
    ),
    "4": (
        "Éloignez-vous des cours d'eau. Ne vous engagez ni à pied ni en voiture sur une voie "
        "inondée. Mettez à l'abri ce qui craint l'eau.",
        "Keep away from rivers. Do not walk or drive on a flooded road. "
        "Move what fears water to a safe place.",
        "Aléjese de los ríos. No entre a pie ni en coche en una vía inundada. "
        "Ponga a salvo lo que pueda dañar el agua.",
    ),
    "5": (
        "Limitez vos déplacements et renseignez-vous avant de partir. "
        "Équipez votre véhicule. Dégagez la neige et salez devant chez vous.",
        "Travel as little as possible and ask before you leave. "
        "Fit out your vehicle. Clear the snow and salt your doorstep.",
        "Limite sus desplazamientos e infórmese antes de salir. "
        "Equipe su vehículo. Retire la nieve y eche sal ante su casa.",
    ),
    "6": (
        "Buvez de l'eau, restez au frais et évitez de sortir aux heures les plus chaudes. "
        "Prenez des nouvelles des personnes âgées ou isolées.",
        "Drink water, stay cool and avoid going out in the hottest hours. "
        "Check on people who are old or alone.",
        "Beba agua, permanezca en un lugar fresco y evite salir en las horas de más calor. "
        "Interésese por las personas mayores o solas.",
    ),
    "7": (
        "Évitez les expositions prolongées au froid et couvrez-vous. Vérifiez vos chauffages. "
        "Appelez le 115 si vous voyez une personne en difficulté dehors.",
        "Avoid staying long in the cold and wrap up. Check your heating. "
        "Call 115 if you see somebody in need outside.",
        "Evite exponerse mucho tiempo al frío y abríguese. Revise su calefacción. "
        "Llame al 115 si ve a alguien en apuros en la calle.",
    ),
    "8": (
        "Renseignez-vous avant toute sortie en montagne. Respectez les fermetures de pistes "
        "et de routes.",
        "Ask before any outing in the mountains. Respect closed slopes and roads.",
        "Infórmese antes de salir a la montaña. Respete los cierres de pistas y carreteras.",
    ),
    "9": (
        "Éloignez-vous du bord de mer, des plages et des jetées. Ne prenez pas la mer.",
        "Keep away from the seafront, beaches and piers. Do not go to sea.",
        "Aléjese del borde del mar, las playas y los espigones. No se haga a la mar.",
    ),
}
_WATCH: Final[Words] = (
    "Soyez attentif si vous pratiquez une activité exposée et tenez-vous informé.",
    "Take care if you do something exposed to the weather, and keep yourself informed.",
    "Preste atención si realiza una actividad expuesta y manténgase informado.",
)
_ABSOLUTE: Final[Words] = (
    "Danger exceptionnel : suivez impérativement les consignes des autorités.",
    "Exceptional danger: you must follow the instructions of the authorities.",
    "Peligro excepcional: siga obligatoriamente las instrucciones de las autoridades.",
)


def hazard(code: str, language: str) -> str:
    return pick(PHENOMENA[code][0], language)


def headline(code: str, level: Level, where: str, name: str, language: str) -> str:
    """ "Vigilance orange orages en Isère"."""
    said = pick(SAID[level], language)
    row = _OVER if level == "green" else _HEADLINE
    return pick(row, language).format(
        level=said, Level=said.capitalize(), hazard=hazard(code, language), where=where, name=name
    )


def instruction(code: str, level: Level, language: str) -> str:
    if level == "green":
        return ""
    if level == "yellow":
        return pick(_WATCH, language)
    advice = pick(_DO[code], language)
    return f"{pick(_ABSOLUTE, language)} {advice}" if level == "red" else advice
