"""Pages of measurements, with the figures of a minute where they are asked for."""

from dataclasses import replace

from controller.domain.measurements import MeasurementFilter
from controller.figures.minutes import at_minute
from controller.state.database import Database
from controller.state.measurements.by_ids import KnownKinds
from controller.state.measurements.pages import MeasurementPage, Place, read_page


class Pages:
    """Reads pages; called in a thread."""

    def __init__(self, database: Database, kinds: KnownKinds) -> None:
        self._database = database
        self._kinds = kinds

    def read(
        self,
        wanted: MeasurementFilter,
        after: Place | None,
        count: int,
        *,
        newest_first: bool = False,
    ) -> MeasurementPage:
        """The next measurements that the filter lets through, as `read_page` gives them."""
        alike = self._kinds.now()
        page = read_page(
            self._database, wanted, after, count, newest_first=newest_first, alike=alike
        )
        minute = wanted.at_minute
        if minute is None:
            return page
        return replace(page, measurements=[at_minute(each, minute) for each in page.measurements])
