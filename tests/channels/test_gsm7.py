"""The SMS alphabet, its folding and the count of segments."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.gsm7 import BASIC, EXTENSION, encode_plan, fold

# 3GPP TS 23.038 section 6.2.1, written here a second time by code, in the table's own columns.
TABLE = {
    0x00: "@", 0x01: "£", 0x02: "$", 0x03: "¥", 0x04: "è", 0x05: "é", 0x06: "ù", 0x07: "ì",
    0x08: "ò", 0x09: "Ç", 0x0A: "\n", 0x0B: "Ø", 0x0C: "ø", 0x0D: "\r", 0x0E: "Å", 0x0F: "å",
    0x10: "Δ", 0x11: "_", 0x12: "Φ", 0x13: "Γ", 0x14: "Λ", 0x15: "Ω", 0x16: "Π", 0x17: "Ψ",
    0x18: "Σ", 0x19: "Θ", 0x1A: "Ξ", 0x1B: "\x1b", 0x1C: "Æ", 0x1D: "æ", 0x1E: "ß", 0x1F: "É",
    0x24: "¤", 0x40: "¡", 0x5B: "Ä", 0x5C: "Ö", 0x5D: "Ñ", 0x5E: "Ü", 0x5F: "§", 0x60: "¿",
    0x7B: "ä", 0x7C: "ö", 0x7D: "ñ", 0x7E: "ü", 0x7F: "à",
}  # fmt: skip
for _code in range(0x20, 0x7B):  # the rest is where ASCII has it
    TABLE.setdefault(_code, chr(_code))

INSIDE = [c for c in BASIC if c not in "\x1b"]


@pytest.mark.parametrize("code", range(128))
def test_every_code_of_the_basic_table_is_where_the_standard_has_it(code: int) -> None:
    assert BASIC[code] == TABLE[code]


@pytest.mark.parametrize("char", INSIDE, ids=lambda c: f"U+{ord(c):04X}")
def test_every_letter_of_the_alphabet_goes_out_as_it_is_for_one_septet(char: str) -> None:
    plan = encode_plan(f"a{char}a")
    assert (plan.text, plan.encoding, plan.septets, plan.folded) == (f"a{char}a", "gsm7", 3, ())


@pytest.mark.parametrize("char", EXTENSION, ids=lambda c: f"U+{ord(c):04X}")
def test_every_sign_of_the_extension_table_costs_two_septets(char: str) -> None:
    plan = encode_plan(f"a{char}a")
    assert (plan.text, plan.encoding, plan.septets, plan.folded) == (f"a{char}a", "gsm7", 4, ())


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("forêt", "foret"), ("bâtiment", "batiment"), ("île", "ile"), ("côté", "coté"),
        ("août", "aout"), ("Noël", "Noel"), ("haïr", "hair"), ("français", "francais"),
        ("œuf", "oeuf"), ("ŒUVRE", "OEUVRE"), ("Évacuez À Êtes", "Évacuez A Etes"),
        ("ÇA", "ÇA"), ("« Le Grésivaudan »", '"Le Grésivaudan"'), ("l’eau", "l'eau"),
        ("7 h – 11 h", "7 h - 11 h"), ("suite…", "suite..."), ("n° 5", "no 5"),
        ("20 °C", "20 degC"),
        ("12\u00a0000\u202f€", "12 000 €"), ("½ journée", "1/2 journée"), ("m²", "m2"),
        ("niño, ¿dónde está?", "niño, ¿donde esta?"), ("Straße", "Straße"), ("`code`", "'code'"),
        ("e\u0301vacuez", "évacuez"), ("Łódź", "Lodz"), ("co\u00adupure", "coupure"),
    ],
)  # fmt: skip
def test_what_the_alphabet_lacks_is_folded(said: str, sent: str) -> None:
    plan = encode_plan(said)
    assert (plan.text, plan.encoding) == (sent, "gsm7")


def test_a_folded_letter_is_named_once_with_its_fold_and_a_space_is_not() -> None:
    assert encode_plan("forêt\u00a0: « êtres »").folded == (("ê", "e"), ("«", '"'), ("»", '"'))


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("⚠️ Orage ⚡ violent", "Orage violent"),
        ("Pompiers 👩🏽‍🚒 sur place", "Pompiers sur place"),
        ("Fête 🇫🇷", "Fete"),
    ],
)
def test_an_emoji_is_dropped_rather_than_costing_half_the_message(said: str, sent: str) -> None:
    plan = encode_plan(said)
    assert (plan.text, plan.encoding) == (sent, "gsm7")
    assert any(to == "" for _, to in plan.folded)


@pytest.mark.parametrize("said", ["Внимание", "تنبيه", "注意", "Caution – Προσοχή"])
def test_a_letter_without_a_fold_keeps_the_whole_text_as_it_was(said: str) -> None:
    plan = encode_plan(said)
    assert (plan.text, plan.encoding, plan.folded) == (said, "ucs2", ())


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("€" * 80, 1), ("€" * 81, 2), ("a" + "€" * 80, 2),
        # 152 septets, then a pair: it starts the next segment, and so one letter more is a third.
        ("a" * 152 + "€" + "a" * 151, 2), ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3),
        ("ж" * 66 + "🚒" + "ж" * 65, 2), ("ж" * 66 + "🚒" + "ж" * 66, 3), ("ж" * 68 + "🚒", 1),
    ],
)  # fmt: skip
def test_segments_are_counted_as_the_operator_bills_them(text: str, segments: int) -> None:
    assert encode_plan(text).segments == segments


def _naive(text: str, single: int, joined: int, cost: dict[str, int]) -> int:
    """Segments by really cutting the text, letter after letter."""
    if sum(cost.get(c, 1) for c in text) <= single:
        return 1
    parts, now = [], ""
    for char in text:
        if sum(cost.get(c, 1) for c in now + char) > joined:
            parts.append(now)
            now = ""
        now += char
    return len([*parts, now])


@given(st.text(st.sampled_from("aéÇ@€[}~|^\\"), max_size=700))
def test_gsm_segments_agree_with_a_naive_splitter(text: str) -> None:
    plan = encode_plan(text)
    assert plan.text == text
    assert plan.segments == _naive(text, 160, 153, dict.fromkeys(EXTENSION, 2))


@given(st.text(st.sampled_from("ж a🚒𝄞ê€"), max_size=300))
def test_ucs2_segments_agree_with_a_naive_splitter(text: str) -> None:
    plan = encode_plan("Ж" + text)
    assert plan.text == "Ж" + text
    assert plan.segments == _naive("Ж" + text, 70, 67, {"🚒": 2, "𝄞": 2})
    assert plan.septets == len(("Ж" + text).encode("utf-16-be")) // 2


@given(st.text(max_size=200))
def test_any_text_is_either_wholly_in_the_alphabet_or_untouched(text: str) -> None:
    plan = encode_plan(text)
    if plan.encoding == "gsm7":
        assert set(plan.text) <= set(INSIDE) | set(EXTENSION)
        assert fold(plan.text) == (plan.text, ())
    else:
        assert plan.text == text
        assert any(unicodedata.category(c)[0] in "LNPSM" for c in text)


@given(st.text(st.sampled_from("aê€ж"), max_size=500), st.integers(1, 6))
def test_over_is_positive_exactly_when_there_are_too_many_segments(text: str, most: int) -> None:
    plan = encode_plan(text)
    assert (plan.over(most) > 0) == (plan.segments > most)
