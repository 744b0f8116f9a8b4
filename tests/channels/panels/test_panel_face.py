"""The face, dot by dot."""

import io

import pytest
from PIL import Image

from channels.panels import model
from channels.panels.twin import face, picture

MATRIX = face.load("matrix-96x64")
NARROW = face.load("text-8x16")


def dots(this: face.Face, lines: tuple[str, ...]) -> list[str]:
    return face.dots(this, this.write(lines))


def test_a_matrix_shows_a_line_in_the_middle() -> None:
    rows = dots(MATRIX, ("Été 5€",))
    assert (len(rows), {len(row) for row in rows}) == (64, {96})
    lit = [y for y, row in enumerate(rows) if "#" in row]
    # An accented capital stands one row lower than its neighbours.
    assert (min(lit), max(lit)) == (24, 31)
    # Columns 30 to 65: six letters of six dots, five free characters on either side.
    assert [row[30:66] for row in rows[24:32]] == [
        "...#...#.......#........#####...###.",
        "..#....#......#.........#......#....",
        "#####.###....###........####..####..",
        "#......#....#...#...........#..#....",
        "####...#....#####...........#.####..",
        "#......#..#.#...........#...#..#....",
        "#.......##...###.........###....###.",
        "#####...............................",
    ]


def test_a_character_panel_has_no_dots_between_characters() -> None:
    rows = dots(NARROW, ("A",))
    assert (len(rows), {len(row) for row in rows}) == (8 * 9 - 1, {16 * 6 - 1})
    assert all(row[5::6] == " " * 15 for row in rows)
    assert all(set(rows[y]) == {" "} for y in range(8, len(rows), 9))
    assert [row[42:47] for row in rows[27:35]] == [
        ".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#", ".....",
    ]  # fmt: skip


def test_an_even_block_stands_in_the_middle() -> None:
    rows = dots(MATRIX, ("A", "B"))
    lit = [y for y, row in enumerate(rows) if "#" in row]
    assert (min(lit), max(lit)) == (24, 38)


def test_a_dark_face_lights_nothing() -> None:
    assert not any("#" in row for row in dots(MATRIX, ()))


def test_a_dot_that_is_lit_is_one_led_in_the_picture() -> None:
    rows = dots(MATRIX, ("I",))
    drawn = Image.open(io.BytesIO(picture.draw(MATRIX, MATRIX.write(("I",)), 8)))
    assert drawn.size == ((96 + 4) * 8, (64 + 4) * 8)
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            pixel = drawn.getpixel(((x + 2) * 8 + 4, (y + 2) * 8 + 4))
            assert isinstance(pixel, tuple)
            assert (pixel[0] > 200) is (sign == "#"), (x, y, pixel)


def test_the_twin_and_the_compiler_read_the_same_models() -> None:
    for name in model.names():
        theirs, ours = face.load(name), model.load(name)
        assert (theirs.columns, theirs.lines) == (ours.columns, ours.lines)
        assert (theirs.max_bytes, theirs.max_items) == (ours.max_bytes, ours.max_items)
        assert theirs.letters == ours.alphabet


@pytest.mark.parametrize("name", ["no-such", "../panels/text-8x16", "abbreviations.fr"])
def test_a_face_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(face.UnknownFace):
        face.load(name)


def test_every_glyph_is_five_by_eight_and_no_two_look_the_same() -> None:
    font = face.load_font("5x7")
    assert all(len(glyph) == 8 and {len(row) for row in glyph} == {5} for glyph in font.values())
    seen: dict[tuple[str, ...], str] = {}
    for letter, glyph in font.items():
        # Ô and ô may: under its accent a capital O is as high as a small one.
        same = seen.setdefault(glyph, letter)
        assert same.lower() == letter.lower(), f"{letter} looks like {same}"
