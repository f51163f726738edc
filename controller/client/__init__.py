"""What the command line asks a controller, in domain objects."""

from controller.client.access import AccessClient
from controller.client.queries import QueryClient

__all__ = ["AccessClient", "QueryClient"]
