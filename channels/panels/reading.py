"""How long a page must stay to be read."""

from typing import Final

from channels.panels.model import Model

# A second to look up; then 150 words a minute, the pace of public displays rather than of a book
# (about 240), and never less than two seconds for each unit of information, as for road signs.
_LOOK_MS: Final = 1000
_WORD_MS: Final = 400
_UNIT_MS: Final = 2000
_STEP_MS: Final = 500


def reading_ms(words: int, units: int, model: Model, letter_dots: int = 7) -> int:
    """Milliseconds to read a page of so many words in letters of `letter_dots`, rounded up to half
    a second. Letters too small for the distance they are read from slow the reader down in
    proportion: 1 cm of letter reads with ease at 3.5 m."""
    needed = max(_LOOK_MS + _WORD_MS * words, _UNIT_MS * units)
    carries_m = letter_dots * model.pitch_mm / 10 * 3.5
    if carries_m < model.viewing_m:
        needed = round(needed * model.viewing_m / carries_m)
    return -(-needed // _STEP_MS) * _STEP_MS
