"""What reports of many devices ask: a survey of claims, published figures beside measured ones."""

from collections.abc import Mapping, Sequence

from controller.api.queries import Queries
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_devices
from controller.domain.rankings.reference import Reference, ReferenceQuestion
from controller.domain.rankings.survey import Survey
from controller.ranking.surveying import survey
from controller.ranking.surveying.published import beside_published, like
from models.catalog.catalog import Catalog
from models.catalog.published import load_published_devices, load_published_latencies
from models.names import nearest


class Reporting:
    """Answers what is asked of many devices at once; computed in a thread."""

    def __init__(self, queries: Queries, catalog: Catalog) -> None:
        self._queries = queries
        self._catalog = catalog

    async def survey(self, words: Sequence[str]) -> Survey:
        """A source's tables, and its claims on the devices that names and labels mean.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        measured = await self._measured(find_devices(await self._queries.devices(), words))
        return await self._queries.computed(survey, measured, self._catalog)

    async def reference(self, question: ReferenceQuestion) -> Reference:
        """What others published of devices like those that are asked for.

        Raises:
            EdgerankError: UNKNOWN_NAME for a device, a label or a published device; INVALID_INPUT
                for a factor that is not above 1.
        """
        if not question.factor > 1:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"figures differ by a factor above 1, not {question.factor:g}: write 1.5",
            )
        taken_for = question.taken_for and published_meant(question.taken_for)
        devices = find_devices(await self._queries.devices(), question.devices)
        measured = await self._measured(devices)
        return await self._queries.computed(
            self._reference, devices, measured, taken_for, question.factor
        )

    def _reference(
        self,
        devices: Sequence[Device],
        measured: Mapping[str, Sequence[Measurement]],
        taken_for: str | None,
        factor: float,
    ) -> Reference:
        published = load_published_devices()
        likes = {
            device.name: (taken_for,) if taken_for else like(device.profile, published.values())
            for device in devices
        }
        latencies = load_published_latencies()
        return Reference(
            factor=factor,
            devices=tuple(
                beside_published(
                    name,
                    like_it,
                    measured[name],
                    latencies=latencies,
                    catalog=self._catalog,
                    factor=factor,
                )
                for name, like_it in likes.items()
                if like_it
            ),
            without_reference=tuple(name for name, like_it in likes.items() if not like_it),
            published_devices=tuple(published),
        )

    async def _measured(self, devices: Sequence[Device]) -> Mapping[str, Sequence[Measurement]]:
        return {
            each.name: await self._queries.newest(MeasurementFilter(device=each.name))
            for each in devices
        }


def published_meant(name: str) -> str:
    """The published device of this name, in any case.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    known = load_published_devices()
    spelt = {each.casefold(): each for each in known}
    if found := spelt.get(name.casefold()):
        return found
    near = nearest(name, known, likeness=0.4) or tuple(known)[:3]
    raise EdgerankError(
        ErrorCode.UNKNOWN_NAME,
        f"no figures were published of a device named {name!r}; nearest: {', '.join(near)}",
    )
