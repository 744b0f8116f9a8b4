"""A running town a form, for tests that break parts of it. They mend what they break."""

from collections.abc import Iterator

import pytest

from tests import crowds
from tests.fakes.push_service import PushService
from tests.scenarios.instance import FORMS, Town, running


@pytest.fixture(scope="module", params=FORMS)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    postgres = request.getfixturevalue("postgres") if request.param == "grown" else ""
    with running(request.param, tmp_path_factory.mktemp(request.param), postgres) as made:
        yield made


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service that takes what is sent to a crowd's phones."""
    with PushService() as made:
        made.answer(201, to=crowds.PATH)
        yield made
