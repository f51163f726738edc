"""Step: compare an x86 `.nb` artifact's outputs in Paddle Lite with Paddle's."""

from __future__ import annotations

import numpy as np
from paddlelite.lite import MobileConfig, create_paddle_predictor

from models.processes.requests import ParityAnswer, ParityRequest
from models.steps.parity.compare import Array, compare_with_reference


def run(request: ParityRequest) -> ParityAnswer:
    """Compare; see `compare_with_reference`. What Paddle Lite cannot load ends the process."""
    config = MobileConfig()
    config.set_model_from_file(request.artifact_path)
    predictor = create_paddle_predictor(config)

    def infer(image: Array) -> list[Array]:
        predictor.get_input(0).from_numpy(image)
        predictor.run()
        names = predictor.get_output_names()
        # A copy each: the tensors' memory is used again by the next run.
        return [np.array(predictor.get_output(i).numpy()) for i in range(len(names))]

    return compare_with_reference(infer, request)
