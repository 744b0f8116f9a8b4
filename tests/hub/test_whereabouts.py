"""Where an item of a source is, and whether it concerns the town: Villard-Bonnot, Isère."""

from typing import Any

import pytest
import yaml

from hub import geocodes
from hub.geocodes import department_of, meant_by, name_of, named_in
from hub.models import Authority
from hub.settings import PROJECT
from hub.whereabouts import locate
from tests.fakes.items import item

DEMO = yaml.safe_load((PROJECT / "config/demo/villard-bonnot.yaml").read_text("utf-8"))
TOWN = Authority(**DEMO["authority"])
PARIS = Authority(code="paris", name="Paris", insee="75056", territory=None)


def square(longitude: float, latitude: float, half: float) -> dict[str, Any]:
    west, east, south, north = longitude - half, longitude + half, latitude - half, latitude + half
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def test_every_department_and_region_of_france_is_in_the_table() -> None:
    table = yaml.safe_load((PROJECT / "config/geocodes/france.yaml").read_text("utf-8"))
    assert len(table["departments"]) == 101
    assert len(table["regions"]) == 18
    assert {row["region"] for row in table["departments"].values()} == set(table["regions"])
    codes = [n for row in table["departments"].values() for n in row["nuts"]]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("system", "code", "department"),
    [
        ("EMMA_ID", "FR034", "38"),
        ("EMMA_ID", "FR039", "01"),
        ("EMMA_ID", "FR067", "93"),
        ("NUTS3", "FR714", "38"),
        ("NUTS3", "FRK24", "38"),
        ("NUTS2", "FRK2", "38"),
        ("department", "38", "38"),
        ("INSEE_DEP", "1", "01"),
        ("Département", "2A", "2A"),
        ("INSEE_REG", "84", "38"),
        ("region", "2", "972"),
    ],
)
def test_codes_of_each_system_name_their_department(
    system: str, code: str, department: str
) -> None:
    assert department in meant_by({system: (code,)}).departments


def test_a_commune_has_its_department_in_its_code() -> None:
    assert [department_of(c) for c in ("38547", "2A004", "97411")] == ["38", "2A", "974"]
    assert (name_of("38"), name_of("999")) == ("Isère", "999")
    assert meant_by({"INSEE": ("38547",)}).communes == {"38547"}


def test_codes_of_another_country_are_elsewhere_and_unknown_systems_say_nothing() -> None:
    assert meant_by({"EMMA_ID": ("IE003",)}).elsewhere
    for codes in ({"SAME": ("006109",)}, {"EMMA_ID": ()}, {"insee": ("Grenoble",)}):
        assert not meant_by(codes).known


def test_names_count_only_as_a_whole() -> None:
    assert named_in("Isère; Savoie").departments == {"38", "73"}
    assert named_in("Département de l'Isère").departments == {"38"}
    assert "38" in named_in("Auvergne-Rhône-Alpes").departments
    assert named_in("Côte-d'Or et Jura").departments == {"21", "39"}
    assert not named_in("Salle Loire, 3 rue de Paris").known
    assert geocodes.plain("Île-de-France") == "ile de france"


def test_an_alert_for_the_department_concerns_the_town_and_is_drawn_as_the_town() -> None:
    for more in (
        {"geocodes": {"EMMA_ID": ("FR034", "FR036")}},
        {"area_desc": "Isère"},
        {"area": square(5.9, 45.2, 1.0)},
    ):
        where = locate(item(**more), TOWN)  # type: ignore[arg-type]
        assert where.touches is True
        assert where.area == TOWN.territory


def test_an_alert_for_other_departments_does_not() -> None:
    for more in (
        {"geocodes": {"EMMA_ID": ("FR036",)}},
        {"area_desc": "Savoie; Haute-Savoie"},
        {"geocodes": {"EMMA_ID": ("IE003",)}},
        {"geocodes": {"INSEE": ("38185",)}},
        {"area": square(2.3, 48.8, 0.1)},
    ):
        assert locate(item(**more), TOWN).touches is False  # type: ignore[arg-type]


def test_how_far_away_it_is_is_told_and_the_boundary_is_not_sharp() -> None:
    away = locate(item(area=point(5.7245, 45.1885)), TOWN)
    assert away.touches is False
    assert away.away_km
    assert 10 < away.away_km < 15
    edge = locate(item(area=point(5.8655 - 0.004, 45.2312)), TOWN)
    assert (edge.touches, edge.away_km) == (True, None)


def test_a_street_inside_keeps_its_own_shape() -> None:
    street = {"type": "LineString", "coordinates": [[5.889, 45.24], [5.891, 45.241]]}
    assert locate(item(area=street), TOWN).area == street


def test_a_place_of_the_town_is_found_by_name_the_longest_first() -> None:
    where = locate(item(place="Gare de Lancey, Villard-Bonnot"), TOWN)
    assert (where.touches, where.by) == (True, "place")
    assert where.area == point(5.8774, 45.2333)
    assert locate(item(area_desc="Espace Bergès"), TOWN).area == point(5.8803, 45.2351)
    assert locate(item(area_desc="Villard-Bonnot"), TOWN).touches is True


def test_nobody_can_tell_without_a_place_or_without_a_territory() -> None:
    assert locate(item(area_desc="Salle polyvalente"), TOWN).touches is None
    where = locate(item(area=point(0, 0)), PARIS)
    assert (where.touches, where.area) == (None, point(0, 0))
    assert locate(item(geocodes={"EMMA_ID": ("IE003",)}), Authority(code="x", name="X")) == (
        locate(item(), Authority(code="x", name="X"))
    )


def test_an_area_that_is_no_sound_geometry_says_nothing() -> None:
    assert locate(item(area={"type": "Polygon", "coordinates": []}), TOWN).touches is None
