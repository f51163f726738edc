"""The tables of what is known without a device: backbones, accuracy, models that people added."""

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, UniqueConstraint

from controller.domain.catalog import AccuracyMetric
from controller.state.schema.base import metadata
from controller.state.schema.columns import Document, Member, Sides
from models.catalog.features import NetworkCount
from models.catalog.own import AssumedAxis, OwnFormat
from models.catalog.precisions import Precision
from protos.inputs import NetworkInput

backbones = Table(
    "backbones",
    metadata,
    Column("name", String, primary_key=True),
    Column("series", String, nullable=False),
    Column("params_m", Float),
    Column("flops_g", Float),
)

# Accuracy belongs to a dataset, a metric, the precision and size that it was published for, and to
# weights: those of the catalog by their name, an own model's by the digest of its files.
accuracies = Table(
    "accuracies",
    metadata,
    Column("figure_id", Integer, primary_key=True),
    Column("backbone", String, nullable=False),
    Column("dataset", String, nullable=False),
    Column("metric", Member(AccuracyMetric), nullable=False),
    Column("precision", Member(Precision), nullable=False),
    # None is any.
    Column("input_size", Sides()),
    # Of the own model that had the name when it was imported; empty for the catalog's backbones.
    Column("model_digest", String, nullable=False),
    Column("value_percent", Float, nullable=False),
    Column("source", String, nullable=False),
    # None for what the catalog publishes, which each start of a controller writes anew.
    Column("imported_at_unix_ms", BigInteger),
    UniqueConstraint(
        "backbone",
        "dataset",
        "metric",
        "precision",
        "input_size",
        "model_digest",
        name="uq_figures",
    ),
)

# Models that people added; their files are in a folder named by the digest.
own_models = Table(
    "own_models",
    metadata,
    Column("name", String, primary_key=True),
    Column("format", Member(OwnFormat), nullable=False),
    Column("digest", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("takes", Document(NetworkInput), nullable=False),
    Column("params_m", Float, nullable=False),
    Column("output_shapes", Document(tuple[str, ...]), nullable=False),
    Column("added_at_unix_ms", BigInteger, nullable=False),
    Column("assumed", Document(tuple[AssumedAxis, ...]), nullable=False),
    # Of an ONNX file.
    Column("ir_version", Integer),
    Column("opset", Integer),
    # Of weights: what they are of.
    Column("architecture", String),
    Column("precision", Member(Precision), nullable=False),
)

# What networks do for one image, or why nobody can tell: of an artifact by the digest of its bytes,
# of an own model by that of its files.
network_counts = Table(
    "network_counts",
    metadata,
    Column("digest", String, primary_key=True),
    Column("counted", Document(NetworkCount), nullable=False),
)
