"""What people, their notebooks and the command line ask a controller, in domain objects."""

from controller.client.access import AccessClient
from controller.client.notebooks import Client
from controller.client.queries import QueryClient
from controller.client.reports import ReportClient
from controller.client.tables import Table

__all__ = ["AccessClient", "Client", "QueryClient", "ReportClient", "Table"]
