"""DATEX II codes as people say them, in three languages: types of records, closures, measures,
causes, lanes. A code that is not here is passed over: its record's type says enough."""

import re
from typing import Final

from connectors.wording import Words, pick

# The type of a record, or a code of it, which says more.
TYPES: Final[dict[str, Words]] = {
    "Accident": ("Accident", "Accident", "Accidente"),
    "multivehicleAccident": ("Accident entre plusieurs véhicules", "Multi-vehicle accident",
                             "Accidente múltiple"),
    "AbnormalTraffic": ("Circulation difficile", "Heavy traffic", "Tráfico denso"),
    "queuingTraffic": ("Bouchon", "Queuing traffic", "Retención"),
    "stationaryTraffic": ("Circulation bloquée", "Traffic at a standstill", "Tráfico parado"),
    "slowTraffic": ("Circulation ralentie", "Slow traffic", "Tráfico lento"),
    "VehicleObstruction": ("Véhicule gênant la circulation", "Vehicle in the road",
                           "Vehículo que obstaculiza el tráfico"),
    "brokenDownVehicle": ("Véhicule en panne", "Broken-down vehicle", "Vehículo averiado"),
    "brokenDownHeavyLorry": ("Poids lourd en panne", "Broken-down lorry", "Camión averiado"),
    "vehicleOnWrongCarriageway": ("Véhicule à contresens", "Vehicle driving the wrong way",
                                  "Vehículo en sentido contrario"),
    "vehicleOnFire": ("Véhicule en feu", "Vehicle on fire", "Vehículo en llamas"),
    "abandonedVehicle": ("Véhicule abandonné", "Abandoned vehicle", "Vehículo abandonado"),
    "slowVehicle": ("Véhicule lent", "Slow vehicle", "Vehículo lento"),
    "GeneralObstruction": ("Obstacle sur la route", "Obstruction in the road",
                           "Obstáculo en la carretera"),
    "objectOnTheRoad": ("Objet sur la route", "Object in the road", "Objeto en la carretera"),
    "peopleOnRoadway": ("Personnes sur la route", "People in the road", "Personas en la carretera"),
    "spillageOnTheRoad": ("Chaussée souillée", "Spillage in the road", "Vertido en la carretera"),
    "AnimalPresenceObstruction": ("Animaux sur la route", "Animals in the road",
                                  "Animales en la carretera"),
    "EnvironmentalObstruction": ("Route encombrée", "Obstructed road", "Carretera obstruida"),
    "fallenTrees": ("Arbre tombé sur la route", "Fallen tree in the road",
                    "Árbol caído en la carretera"),
    "flooding": ("Route inondée", "Flooded road", "Carretera inundada"),
    "landslips": ("Glissement de terrain", "Landslip", "Corrimiento de tierras"),
    "rockfalls": ("Chute de pierres", "Rockfall", "Desprendimiento de rocas"),
    "avalanches": ("Avalanche", "Avalanche", "Alud"),
    "InfrastructureDamageObstruction": ("Route endommagée", "Damaged road", "Carretera dañada"),
    "EquipmentOrSystemFault": ("Équipement routier en panne", "Faulty road equipment",
                               "Equipo vial averiado"),
    "trafficLightSetsOutOfOrder": ("Feux en panne", "Traffic lights out of order",
                                   "Semáforos averiados"),
    "WeatherRelatedRoadConditions": ("Route glissante", "Slippery road", "Carretera resbaladiza"),
    "ice": ("Verglas", "Ice on the road", "Hielo en la carretera"),
    "blackIce": ("Verglas", "Black ice", "Hielo en la carretera"),
    "snowOnTheRoad": ("Neige sur la route", "Snow on the road", "Nieve en la carretera"),
    "NonWeatherRelatedRoadConditions": ("Chaussée en mauvais état", "Poor road surface",
                                        "Firme en mal estado"),
    "PoorEnvironmentConditions": ("Mauvaises conditions météo", "Bad weather on the road",
                                  "Mal tiempo en la carretera"),
    "badWeather": ("Mauvaises conditions météo", "Bad weather", "Mal tiempo"),
    "fog": ("Brouillard", "Fog", "Niebla"), "denseFog": ("Brouillard dense", "Dense fog",
                                                      "Niebla densa"),
    "snowfall": ("Chutes de neige", "Snowfall", "Nevadas"),
    "heavySnowfall": ("Fortes chutes de neige", "Heavy snowfall", "Fuertes nevadas"),
    "strongWinds": ("Vent fort", "Strong winds", "Viento fuerte"),
    "MaintenanceWorks": ("Travaux", "Roadworks", "Obras"),
    "ConstructionWorks": ("Travaux", "Roadworks", "Obras"),
    "roadworks": ("Travaux", "Roadworks", "Obras"),
    "Roadworks": ("Travaux", "Roadworks", "Obras"),
    "resurfacingWork": ("Réfection de la chaussée", "Resurfacing work", "Renovación del firme"),
    "grassCuttingWork": ("Fauchage", "Grass cutting", "Siega"),
    "treeAndVegetationCuttingWork": ("Élagage", "Tree cutting", "Poda"),
    "roadMarkingWork": ("Marquage au sol", "Road marking", "Pintado de la calzada"),
    "saltingInProgress": ("Salage en cours", "Salting in progress", "Esparcimiento de sal"),
    "snowploughsInUse": ("Déneigement en cours", "Snow clearance", "Retirada de nieve"),
    "bridgeDemolitionWork": ("Travaux sur un pont", "Bridge works", "Obras en un puente"),
    "PublicEvent": ("Manifestation", "Public event", "Acto público"),
    "DisturbanceActivity": ("Perturbation", "Disturbance", "Perturbación"),
    "AuthorityOperation": ("Opération des autorités", "Police operation", "Operativo policial"),
    "Conditions": ("Conditions de circulation", "Driving conditions", "Estado de la carretera"),
    "RoadOrCarriagewayOrLaneManagement": ("Circulation réglementée", "Traffic restricted",
                                          "Tráfico regulado"),
    "roadClosed": ("Route fermée", "Road closed", "Carretera cortada"),
    "carriagewayClosures": ("Chaussée fermée", "Carriageway closed", "Calzada cortada"),
    "laneClosures": ("Voie fermée", "Lane closed", "Carril cortado"),
    "narrowLanes": ("Voies réduites", "Narrow lanes", "Carriles estrechos"),
    "singleAlternateLineTraffic": ("Circulation alternée", "Alternating traffic",
                                   "Tráfico alterno"),
    "contraflow": ("Circulation à double sens", "Contraflow", "Circulación en doble sentido"),
    "lanesDeviated": ("Voies déviées", "Lanes shifted", "Carriles desviados"),
    "SpeedManagement": ("Vitesse limitée", "Speed limit", "Velocidad limitada"),
    "ReroutingManagement": ("Déviation", "Diversion", "Desvío"),
    "WinterDrivingManagement": ("Équipements d'hiver", "Winter equipment", "Equipo de invierno"),
    "GeneralInstructionOrMessageToRoadUsers": ("Information routière", "Road information",
                                               "Información de tráfico"),
    "RoadsideServiceDisruption": ("Service routier perturbé", "Roadside service disrupted",
                                  "Servicio de carretera alterado"),
    "CarParks": ("Stationnement", "Parking", "Aparcamiento"),
    "TransitInformation": ("Transports en commun", "Public transport", "Transporte público"),
    "GenericSituationRecord": ("Information routière", "Road information",
                               "Información de tráfico"),
    "noEntry": ("Circulation interdite", "No entry", "Circulación prohibida"),
    "SpeedLimit": ("Vitesse limitée", "Speed limit", "Velocidad limitada"),
    "noOvertaking": ("Dépassement interdit", "No overtaking", "Prohibido adelantar"),
    "parkingProhibited": ("Stationnement interdit", "No parking", "Prohibido aparcar"),
    "TrafficRegulation": ("Circulation réglementée", "Traffic restricted", "Tráfico regulado"),
}  # fmt: skip
# What goes with a situation, as a sentence of its description.
MEASURES: Final[dict[str, Words]] = {
    "roadClosed": ("La route est fermée.", "The road is closed.", "La carretera está cortada."),
    "carriagewayClosures": ("Une chaussée est fermée.", "A carriageway is closed.",
                            "Una calzada está cortada."),
    "laneClosures": ("Une ou plusieurs voies sont fermées.", "One or more lanes are closed.",
                     "Uno o varios carriles están cortados."),
    "singleAlternateLineTraffic": ("La circulation est alternée.", "Traffic alternates.",
                                   "La circulación es alterna."),
    "narrowLanes": ("Les voies sont réduites.", "Lanes are narrow.",
                    "Los carriles son estrechos."),
    "contraflow": ("La circulation se fait à double sens sur une chaussée.",
                   "Traffic runs both ways on one carriageway.",
                   "Se circula en doble sentido por una calzada."),
    "followDiversionSigns": ("Suivez la déviation fléchée.", "Follow the signed diversion.",
                             "Siga el desvío señalizado."),
    "followLocalDiversion": ("Une déviation est en place.", "A diversion is in place.",
                             "Hay un desvío."),
    "useAlternativeRoute": ("Prenez un autre itinéraire.", "Take another route.",
                            "Tome otra ruta."),
    "useLocalDiversion": ("Une déviation est en place.", "A diversion is in place.",
                          "Hay un desvío."),
    "lanesBlocked": ("Des voies sont bloquées.", "Lanes are blocked.",
                     "Hay carriles bloqueados."),
    "roadBlocked": ("La route est bloquée.", "The road is blocked.",
                    "La carretera está bloqueada."),
    "carriagewayBlocked": ("La chaussée est bloquée.", "The carriageway is blocked.",
                           "La calzada está bloqueada."),
    "carriagewayPartiallyObstructed": ("La chaussée est en partie encombrée.",
                                       "The carriageway is partly obstructed.",
                                       "La calzada está parcialmente obstruida."),
    "lanesPartiallyObstructed": ("Des voies sont en partie encombrées.",
                                 "Lanes are partly obstructed.",
                                 "Hay carriles parcialmente obstruidos."),
    "doNotUseStuddedTyres": ("Pneus cloutés interdits.", "No studded tyres.",
                             "Prohibidos los neumáticos de clavos."),
    "useSnowChains": ("Chaînes à neige obligatoires.", "Snow chains are compulsory.",
                      "Cadenas obligatorias."),
    "useSnowChainsOrTyres": ("Chaînes ou pneus d'hiver obligatoires.",
                             "Snow chains or winter tyres are compulsory.",
                             "Cadenas o neumáticos de invierno obligatorios."),
    "driveCarefully": ("Conduisez avec prudence.", "Drive carefully.", "Conduzca con precaución."),
}  # fmt: skip
_SPEED: Final[Words] = (
    "Vitesse limitée à {n} km/h.", "Speed limited to {n} km/h.", "Velocidad limitada a {n} km/h.",
)  # fmt: skip
_DAYS: Final[dict[str, Words]] = {
    "monday": ("lundi", "Monday", "lunes"), "tuesday": ("mardi", "Tuesday", "martes"),
    "wednesday": ("mercredi", "Wednesday", "miércoles"),
    "thursday": ("jeudi", "Thursday", "jueves"),
    "friday": ("vendredi", "Friday", "viernes"), "saturday": ("samedi", "Saturday", "sábado"),
    "sunday": ("dimanche", "Sunday", "domingo"),
}  # fmt: skip
_NUMBER: Final = re.compile(r"^([A-Z]{1,2})\s?0*(\d{1,4}[A-Z]?)$", re.I)


def known(codes: list[str]) -> str:
    """The first code that has words; what a record is, before its type."""
    return next((code for code in codes if code in TYPES), "")


def title(code: str, language: str) -> str:
    return pick(TYPES[code], language) if code else pick(TYPES["GenericSituationRecord"], language)


def speed(kilometres: str, language: str) -> str:
    return pick(_SPEED, language).format(n=kilometres.removesuffix(".0"))


def days(names: list[str], language: str) -> list[str]:
    return [pick(_DAYS[n.lower()], language) for n in names if n.lower() in _DAYS]


def road_name(said: str) -> str:
    """A4 for A0004, N94 for N0094; a street keeps its name."""
    found = _NUMBER.match(said.strip())
    return f"{found[1].upper()}{found[2]}" if found else said.strip()


def on_road(road: str, language: str) -> str:
    """ "sur l'A4", "sur la N94"; ": rue Haute" for what is no number."""
    if not road:
        return ""
    if not _NUMBER.match(road):
        return f" : {road}" if language == "fr" else f": {road}"
    if language == "fr":
        return f" sur l'{road}" if road[0] == "A" else f" sur la {road}"
    return f" on the {road}" if language == "en" else f" en la {road}"


def at_place(place: str, language: str) -> str:
    if not place:
        return ""
    if language == "fr":
        return f" au {place[3:]}" if place.startswith("Le ") else f" à {place}"
    return f" near {place}" if language == "en" else f" cerca de {place}"
