"""One thing is not two."""

from controller.views.counting import counted


def test_one_is_singular_and_everything_else_plural() -> None:
    assert [counted(count, "job") for count in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
    assert counted(1_200, "entry", "entries") == "1,200 entries"
