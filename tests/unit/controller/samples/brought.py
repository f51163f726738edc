"""What people brought: accuracy on their own datasets, and their own models."""

from controller.domain.catalog import AccuracyMetric, Dataset, OwnModel
from models.catalog.own import AssumedAxis, InputAxis, OwnFormat
from models.catalog.precisions import Precision
from protos.inputs import ConstantInput, ElementType, ImageSize, InputKind, Layout, NetworkInput

DATASETS = (
    Dataset(
        name="flowers",
        backbone_count=2,
        figure_count=3,
        metrics=(AccuracyMetric.TOP1, AccuracyMetric.TOP5),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
    ),
)
OWN_MODELS = (
    OwnModel(
        name="Mine",
        format=OwnFormat.PADDLE,
        digest="5f" * 32,
        size_bytes=14_000_000,
        takes=NetworkInput(
            size=ImageSize(48, 192),
            batch=4,
            kind=InputKind(
                layout=Layout.NHWC,
                element_type=ElementType.UINT8,
                channels=1,
                constants=(
                    ConstantInput(
                        name="scale", element_type=ElementType.FLOAT32, shape=(2,), values=(1, 1)
                    ),
                ),
            ),
        ),
        params_m=3.5,
        output_shapes=("1x10",),
        added_at_unix_ms=1_764_000_000_000,
        assumed=(AssumedAxis(axis=InputAxis.CHANNELS, size=3),),
    ),
)
