"""Connector kinds: one module each. A new kind is a row here."""

KINDS: dict[str, str] = {
    "ical": "connectors.ical:ICalendar",
    "caldav": "connectors.caldav:CalDav",
    "rss": "connectors.rss:Rss",
    "cap": "connectors.cap:Cap",
    "wzdx": "connectors.wzdx:Wzdx",
    "cifs": "connectors.cifs:Cifs",
    "gtfs_rt": "connectors.gtfs_rt:GtfsRt",
    "openagenda": "connectors.openagenda:OpenAgenda",
    "datex": "connectors.datex:Datex",
    "vigicrues": "connectors.vigicrues:Vigicrues",
    "vigilance": "connectors.vigilance:Vigilance",
}
