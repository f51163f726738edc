"""Writes the networks as `.onnx` and `.nb` into a folder; run as a process of its own."""

import sys
from pathlib import Path

import numpy as np
import paddle
from paddle2onnx import export
from paddlelite.lite import Opt

from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from tests.integration.agent.networks import SHAPES, takes


def tiny_network() -> paddle.nn.Layer:
    return paddle.nn.Sequential(
        paddle.nn.Conv2D(3, 8, 3, padding=1),
        paddle.nn.ReLU(),
        paddle.nn.AdaptiveAvgPool2D(1),
        paddle.nn.Flatten(),
        paddle.nn.Linear(8, 10),
    )


class Scaled(paddle.nn.Layer):  # type: ignore[misc]
    """A network whose scores are 0 but for a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny_network()

    def forward(self, image: paddle.Tensor) -> paddle.Tensor:
        return paddle.scale(self.network(image), scale=0.0, bias=0.5)


class Divided(Scaled):
    """A network whose scores are 0 / 0."""

    def forward(self, image: paddle.Tensor) -> paddle.Tensor:
        zeros = paddle.scale(self.network(image), scale=0.0)
        return paddle.divide(zeros, zeros)


def networks() -> dict[str, paddle.nn.Layer]:
    tiny = tiny_network()
    # 1x1: Paddle Lite's own 3x3 convolution for x86 computes on one thread, whatever it is told.
    convolutions = [paddle.nn.Conv2D(256, 256, 1) for _ in range(8)]
    wide = paddle.nn.Sequential(*convolutions, paddle.nn.AdaptiveAvgPool2D(1))
    faint = paddle.nn.Conv2D(256, 256, 1, bias_attr=False)
    faint.weight.set_value(paddle.full(faint.weight.shape, 1e-20))
    wrong = {"altered": tiny_network(), "constant": Scaled(), "nan": Divided()}
    return {"tiny": tiny, "wide": wide, "faint": faint, **wrong}


def write(name: str, network: paddle.nn.Layer, folder: Path) -> None:
    network.eval()
    spec = paddle.static.InputSpec(list(SHAPES[name]), "float32", "image")
    static = paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
    prefix = str(folder / name)
    # Paddle Lite insists on attributes that clip_extra would drop.
    paddle.jit.save(static, prefix, clip_extra=False)
    export(f"{prefix}.pdmodel", f"{prefix}.pdiparams", f"{prefix}.onnx", opset_version=14)
    opt = Opt()
    opt.set_model_file(f"{prefix}.pdmodel")
    opt.set_param_file(f"{prefix}.pdiparams")
    opt.set_valid_places("x86")
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(prefix)
    opt.run()
    inputs = np.stack(list(reference_inputs(takes(name))))
    outputs = np.stack([network(paddle.to_tensor(image)).numpy() for image in inputs])
    write_outputs(Path(f"{prefix}.outputs"), inputs, [outputs])


def main() -> None:
    folder = Path(sys.argv[1])
    paddle.seed(7)
    for name, network in networks().items():
        write(name, network, folder)


if __name__ == "__main__":
    main()
