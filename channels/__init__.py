"""Channel kinds: one module each (a package where a kind is big). A new kind is a row here."""

KINDS: dict[str, str] = {
    "null": "channels.null:Null",
    "website": "channels.website:Website",
    "panel": "channels.panels:Panel",
    "push": "channels.push:Push",
    "sms": "channels.sms:Sms",
    "mastodon": "channels.mastodon:Mastodon",
    "social": "channels.apprise_bridge:Social",
}
