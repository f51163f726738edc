"""What is known of the networks that race: the same that `edgerank predict` knows of them."""

from collections.abc import Mapping

from controller.ranking.prediction.evidence import Network, features_by_network
from controller.state.catalog.network_counts import stored_counts
from controller.state.database import Database
from models.catalog.catalog import load_catalog
from models.catalog.features import NetworkFeatures, load_features


def known_networks(database: Database) -> Mapping[Network, NetworkFeatures]:
    """The features of every network that was counted beforehand, converted or added."""
    return features_by_network(load_catalog(), load_features(), stored_counts(database))
