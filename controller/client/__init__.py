"""What the command line asks a controller, in domain objects."""

from controller.client.access import AccessClient
from controller.client.queries import QueryClient
from controller.client.reports import ReportClient

__all__ = ["AccessClient", "QueryClient", "ReportClient"]
