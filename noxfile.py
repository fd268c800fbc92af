"""The tests on the oldest versions that pyproject.toml allows, and on the newest there are: ``uvx nox``."""

import nox

nox.options.default_venv_backend = "uv"
TESTS = ("tests/core", "tests/nodes", "tests/tools", "tests/test_docs.py")


@nox.session(python="3.10")
def floor(session: nox.Session) -> None:
    """Every direct dependency in the lowest version that is declared, on the oldest Python."""
    session.install("--resolution", "lowest-direct", "--editable", ".[dev]")
    _run(session)


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Every dependency in the newest version, on the newest Python that is declared."""
    session.install("--upgrade", "--editable", ".[dev]")
    _run(session)


def _run(session: nox.Session) -> None:
    session.run("uv", "pip", "list", external=True)
    session.run("python", "-m", "pytest", *(session.posargs or TESTS))
