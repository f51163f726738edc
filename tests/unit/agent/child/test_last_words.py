"""The line that says most of a crash, out of what crash handlers print."""

import io

from agent.child.last_words import LastWords

CHECK = "Check failed: fp: cannot open the file"


def words(text: str) -> str:
    return str(LastWords(io.BytesIO(text.encode())))


def test_a_silent_child_says_nothing() -> None:
    assert words("\n \n") == "saying nothing"


def test_the_telling_line_is_taken_from_a_crash_report() -> None:
    report = f"""\
[F 1/1 10:00:00.1 model_parser.cc:77] {CHECK}
--------------------------------------
C++ Traceback (most recent call last):
--------------------------------------
0   lite::Predictor::Build
[TimeInfo: *** Aborted at 1700000000 ***]
bye
"""
    assert words(report).endswith(CHECK)


def test_the_last_line_is_taken_when_none_is_telling() -> None:
    assert words("loading\nhello\n").endswith("words: hello")


def test_long_words_are_cut() -> None:
    assert len(words("x" * 100_000)) < 400


def test_a_failed_allocation_is_recognised() -> None:
    thrown = b"terminate called after throwing an instance of 'std::bad_alloc'\n"
    assert LastWords(io.BytesIO(thrown)).tell_of_no_memory
    assert not LastWords(io.BytesIO(b"all is well")).tell_of_no_memory
