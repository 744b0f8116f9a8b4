"""A running town a form, for tests that break parts of it. They mend what they break."""

from collections.abc import Iterator

import pytest

from tests.scenarios.instance import FORMS, Town, running


@pytest.fixture(scope="module", params=FORMS)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    postgres = request.getfixturevalue("postgres") if request.param == "grown" else ""
    with running(request.param, tmp_path_factory.mktemp(request.param), postgres) as made:
        yield made
