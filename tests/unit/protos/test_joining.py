"""A token is read as it was written, or not at all, and its secret is shown by nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.joining import (
    AccessToken,
    JoinToken,
    TokenInvalid,
    bearer_letters,
    parse_access_token,
    parse_join_token,
    secret_of_bearer,
)

SECRETS = st.binary(min_size=32, max_size=32)
ADDRESSES = st.lists(st.from_regex(r"[a-z0-9.\[\]:]{1,30}:[0-9]{1,5}", fullmatch=True), min_size=1)


@given(secret=SECRETS, digest=SECRETS, addresses=ADDRESSES, space=st.sampled_from(["", "\n", " "]))
def test_a_join_token_is_read_as_it_was_written(
    secret: bytes, digest: bytes, addresses: list[str], space: str
) -> None:
    token = JoinToken(secret=secret, authority_sha256=digest, addresses=tuple(addresses))
    assert parse_join_token(space + token.spelt() + space) == token
    assert token.spelt().split(".")[1] not in repr(token)


@given(secret=SECRETS, digest=SECRETS)
def test_an_access_token_is_read_as_it_was_written(secret: bytes, digest: bytes) -> None:
    token = AccessToken(secret=secret, authority_sha256=digest)
    assert parse_access_token(token.spelt()) == token
    assert secret_of_bearer(f"Bearer {bearer_letters(secret)}") == secret
    assert repr(secret) not in repr(token)


@given(secret=SECRETS, digest=SECRETS, cut=st.integers(min_value=1, max_value=100))
def test_a_part_of_a_token_is_none(secret: bytes, digest: bytes, cut: int) -> None:
    spelt = AccessToken(secret=secret, authority_sha256=digest).spelt()
    with pytest.raises(TokenInvalid):
        parse_access_token(spelt[:-cut])


@given(text=st.text())
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    for parse in (parse_join_token, parse_access_token):
        with pytest.raises(TokenInvalid) as refused:
            parse(text)
        assert len(text) < 4 or text not in str(refused.value)
