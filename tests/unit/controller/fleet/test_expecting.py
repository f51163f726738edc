"""Whom a race measures first, and what it expects of the others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from controller.domain.rankings.predictions import Elsewhere
from controller.fleet.rounds.expecting import (
    PIONEERS,
    expected_of,
    network_name,
    pioneers,
)
from controller.ranking.prediction.evidence import features_by_name, features_by_network
from controller.ranking.racing.beliefs import Prior, RaceRules, predicted_reach
from controller.state.catalog.candidates import RacingJob
from models.catalog.catalog import load_catalog
from models.catalog.features import NetworkCount, NetworkFeatures, load_features
from models.catalog.precisions import MADE_PRECISIONS, Precision
from protos.inputs import ImageSize
from tests.unit.controller.samples.measurements import settings

SIZES = {each.name: each.input_size for each in load_catalog()}
DOES = features_by_network(load_catalog(), load_features(), {})
FEATURES = features_by_name(load_catalog(), load_features())
NAMES = sorted(FEATURES, key=lambda name: FEATURES[name].multiply_adds)[20:60]


def latency_ms(does: NetworkFeatures) -> float:
    return 0.5 + does.multiply_adds / 3e7 + does.traffic_bytes / 5e7


def racing(
    names: Sequence[str],
    measured: Sequence[str] = (),
    threads: int = 1,
    precision: Precision = Precision.FP32,
) -> list[RacingJob]:
    return [
        RacingJob(
            job_id=f"{name} {threads} {precision.value}",
            backbone=name,
            top1=70.0,
            medians_ms=(latency_ms(FEATURES[name]),) if name in measured else (),
            settings=settings(threads=threads),
            precision=precision,
            input_size=SIZES[name],
            has_ended=False,
        )
        for name in names
    ]


def test_a_race_of_many_begins_with_those_that_tell_most_in_each_setting() -> None:
    first = pioneers([*racing(NAMES), *racing(NAMES, threads=2)], DOES)
    assert len(first) == len(set(first)) == 2 * PIONEERS


def test_each_precision_is_a_setting_of_its_own_and_what_came_quantised_is_in_none() -> None:
    made = [each for precision in MADE_PRECISIONS for each in racing(NAMES, precision=precision)]
    came = racing(NAMES[:1], precision=Precision.INT8)
    first = pioneers([*made, *came], DOES)
    assert len(first) == len(MADE_PRECISIONS) * PIONEERS + 1
    assert {each.job_id for each in came} <= set(first)


def test_a_race_of_few_begins_with_everybody() -> None:
    assert len(pioneers(racing(NAMES[:PIONEERS]), DOES)) == PIONEERS


def test_who_cannot_be_predicted_or_has_nothing_to_win_has_a_process_at_once() -> None:
    plain, *others = racing(NAMES)
    unknown = replace(plain, job_id="unknown", backbone="somebody's own")
    without = replace(plain, job_id="without", top1=None)
    images = replace(plain, job_id="images", batch=8)
    ended = replace(unknown, job_id="ended", has_ended=True)
    first = pioneers([*others, unknown, without, images, ended], DOES)
    assert {"unknown", "without", "images"} <= set(first)
    assert "ended" not in first


def test_what_was_measured_before_counts_among_the_first() -> None:
    known = [replace(each, has_ended=True) for each in racing(NAMES[:PIONEERS], NAMES)]
    assert pioneers([*known, *racing(NAMES[PIONEERS:])], DOES) == ()


def test_the_others_are_expected_near_what_they_take_and_told_how_surely() -> None:
    first = [each.split(" ")[0] for each in pioneers(racing(NAMES), DOES)]
    priors = expected_of(racing(NAMES, first), (), DOES, 0.01)
    assert len(priors) > len(NAMES) // 2
    for job_id, prior in priors.items():
        name = job_id.split(" ")[0]
        assert name not in first
        off = abs(math.log(prior.median_ms / latency_ms(FEATURES[name])))
        assert off < max(5 * prior.deviation, 0.1)
        assert 0 < prior.degrees < PIONEERS


def test_of_a_device_that_nothing_is_known_of_nothing_is_expected() -> None:
    assert expected_of(racing(NAMES), (), DOES, 0.01) == {}
    few = racing(NAMES, NAMES[:4])
    assert expected_of(few, (), DOES, 0.01) == {}
    # Earlier sweeps of the same setting tell as much, those of another one do not.
    earlier = [replace(each, has_ended=True) for each in racing(NAMES[4:16], NAMES)]
    assert expected_of(few, earlier, DOES, 0.01)
    others = racing(NAMES[4:16], NAMES, threads=2)
    assert expected_of(few, others, DOES, 0.01) == {}


def test_where_only_other_weights_of_measured_ones_are_missing_these_are_expected_as_surely() -> (
    None
):
    twins = {f"twin of {name}": name for name in NAMES}
    counted = {
        (twin, SIZES[name]): NetworkCount(features=FEATURES[name]) for twin, name in twins.items()
    }
    does = features_by_network(load_catalog(), load_features(), counted)
    missing = [
        replace(plain, job_id=twin, backbone=twin)
        for plain, twin in zip(racing(NAMES), twins, strict=True)
    ]
    measured = racing(NAMES, NAMES)
    alone = expected_of([*measured, *missing], (), does, 0.01)
    assert alone.keys() == twins.keys()
    for twin, prior in alone.items():
        assert math.isclose(prior.median_ms, latency_ms(FEATURES[twins[twin]]))
        # All of them may be twice as fast as their twins, hardly more.
        assert predicted_reach(prior, len(alone), RaceRules()) < math.log(2)
    # Others that are missing beside them tell nothing of these.
    beside = expected_of([*racing(NAMES, NAMES[2:]), *missing[2:]], (), does, 0.01)
    for twin in list(twins)[2:]:
        of_beside, of_alone = beside[twin], alone[twin]
        assert (of_beside.median_ms, of_beside.deviation, of_beside.degrees) == (
            *(of_alone.median_ms, of_alone.deviation, of_alone.degrees),
        )


def test_at_another_size_nothing_is_known_of_what_a_network_does() -> None:
    plain, *others = racing(NAMES)
    smaller = replace(plain, input_size=ImageSize(96, 96))
    assert smaller.job_id in pioneers([smaller, *others], DOES)


def test_what_was_measured_at_another_size_tells_nothing_of_the_own_one() -> None:
    first = [each.split(" ")[0] for each in pioneers(racing(NAMES), DOES)]
    candidates = racing(NAMES, first)
    others = [
        replace(each, input_size=ImageSize(96, 96), medians_ms=(0.1,), has_ended=True)
        for each in racing(NAMES, NAMES)
    ]
    plain = expected_of(candidates, (), DOES, 0.01)
    assert expected_of(candidates, others, DOES, 0.01) == plain


def test_an_own_model_and_another_size_that_were_counted_are_expected_as_any_other() -> None:
    small = ImageSize(96, 96)
    copied = NAMES[len(NAMES) // 2]
    counted = {
        ("somebody's own", small): NetworkCount(features=FEATURES[copied]),
        (copied, small): NetworkCount(features=FEATURES[NAMES[0]]),
    }
    does = features_by_network(load_catalog(), load_features(), counted)
    plain, *others = racing(NAMES)
    own = replace(plain, job_id="own", backbone="somebody's own", input_size=small)
    resized = replace(plain, job_id="resized", backbone=copied, input_size=small)
    first = {each.split(" ")[0] for each in pioneers([own, resized, *others], does)}
    assert len(first) == PIONEERS
    candidates = [own, resized, *racing(NAMES, sorted(set(NAMES) - {copied, NAMES[0]}))]
    priors = expected_of(candidates, (), does, 0.01)
    for job_id, alike in (("own", copied), ("resized", NAMES[0])):
        assert abs(math.log(priors[job_id].median_ms / latency_ms(FEATURES[alike]))) < 0.1


def off_alike(name: str) -> float:
    """What a network takes on any device times what no count tells, the same on each."""
    does = FEATURES[name]
    return latency_ms(does) * math.exp(0.6 * math.sin(does.multiply_adds))


def test_what_other_devices_took_makes_expectations_closer_and_surer() -> None:
    first = [each.split(" ")[0] for each in pioneers(racing(NAMES), DOES)]
    candidates = [
        replace(each, medians_ms=(off_alike(each.backbone),)) if each.medians_ms else each
        for each in racing(NAMES, first)
    ]
    like = {network_name((name, SIZES[name])): 3 * off_alike(name) for name in NAMES}
    unlike = {network_name((name, SIZES[name])): latency_ms(FEATURES[name]) for name in NAMES}
    others = [
        *(Elsewhere(setting=f"unlike {n}", values=unlike) for n in range(20)),
        Elsewhere(setting="like", values=like),
        Elsewhere(setting="of few", values=dict(list(like.items())[:3])),
    ]
    alone = expected_of(candidates, (), DOES, 0.01)
    beside = expected_of(candidates, (), DOES, 0.01, {Precision.FP32: others})
    assert alone.keys() <= beside.keys()
    for job_id, prior in alone.items():
        truth = off_alike(job_id.split(" ")[0])
        assert abs(math.log(beside[job_id].median_ms / truth)) < 0.1
        # What is told by other weights of a network is told so all the same.
        assert beside[job_id] == prior or beside[job_id].deviation < prior.deviation / 2


def test_what_other_devices_took_in_int8_tells_of_int8_and_nothing_of_fp32() -> None:
    both = [
        job
        for precision in (Precision.FP32, Precision.INT8_DYNAMIC)
        for job in racing(NAMES, NAMES[::4], precision=precision)
    ]
    # A few percent off what is counted, so that nothing is told as surely by that.
    off = {name: 1 + (place * 7 % 11) / 11 for place, name in enumerate(NAMES)}
    candidates = [
        replace(job, medians_ms=tuple(ms * off[job.backbone] for ms in job.medians_ms))
        for job in both
    ]
    values = {
        network_name((name, SIZES[name])): 3 * off[name] * latency_ms(FEATURES[name])
        for name in NAMES
    }
    there = {Precision.INT8_DYNAMIC: [Elsewhere(setting="another, int8-dynamic", values=values)]}
    alone = expected_of(candidates, (), DOES, 0.01)
    beside = expected_of(candidates, (), DOES, 0.01, there)
    for job in candidates:
        if job.precision is Precision.FP32:
            assert beside.get(job.job_id) == alone.get(job.job_id)
    assert any(
        beside[job.job_id].deviation < alone[job.job_id].deviation / 2
        for job in candidates
        if job.precision is Precision.INT8_DYNAMIC and job.job_id in alone
    )


def test_other_devices_tell_nothing_before_anything_was_measured_here() -> None:
    values = {network_name((name, SIZES[name])): 5.0 for name in NAMES}
    others = {Precision.FP32: [Elsewhere(setting="another", values=values)]}
    assert expected_of(racing(NAMES), (), DOES, 0.01, others) == {}
    assert expected_of(racing(NAMES, NAMES[:4]), (), DOES, 0.01, others) == {}


def test_what_takes_long_in_fp32_does_in_another_precision_which_tells_nothing_of_fp32() -> None:
    # What no count of a network tells: each takes up to twice what is counted, in any precision.
    surplus = {name: 1 + (place * 7 % 11) / 11 for place, name in enumerate(NAMES)}

    def taken(job: RacingJob, factor: float) -> RacingJob:
        taken_ms = factor * surplus[job.backbone] * latency_ms(FEATURES[job.backbone])
        return replace(job, medians_ms=(taken_ms,)) if job.medians_ms else job

    first = [each.split(" ")[0] for each in pioneers(racing(NAMES), DOES)]
    int8 = Precision.INT8_DYNAMIC
    in_fp32 = [taken(each, 1.0) for each in racing(NAMES, NAMES)]
    in_int8 = [taken(each, 0.4) for each in racing(NAMES, first, precision=int8)]

    def off(priors: Mapping[str, Prior]) -> float:
        found = [
            abs(
                math.log(
                    prior.median_ms
                    / (0.4 * surplus[(name := job_id.split(" ")[0])] * latency_ms(FEATURES[name]))
                )
            )
            for job_id, prior in priors.items()
        ]
        return sum(found) / len(found)

    beside = expected_of(in_int8, in_fp32, DOES, 0.01)
    assert off(beside) < off(expected_of(in_int8, (), DOES, 0.01)) / 2
    some = [taken(each, 1.0) for each in racing(NAMES, first)]
    every_int8 = [taken(each, 0.4) for each in racing(NAMES, NAMES, precision=int8)]
    assert expected_of(some, every_int8, DOES, 0.01) == expected_of(some, (), DOES, 0.01)
