"""Step: compare an x86 `.nb` artifact's outputs in Paddle Lite with Paddle's."""

from __future__ import annotations

import numpy as np
from paddlelite.lite import MobileConfig, create_paddle_predictor

from models.processes.requests import ParityAnswer, ParityRequest
from models.steps.confinement import start_no_more
from models.steps.parity.compare import Array, Constants, Infer, compare_with_reference


def run(request: ParityRequest) -> ParityAnswer:
    """Compare; see `compare_with_reference`. What Paddle Lite cannot load ends the process."""
    return compare_with_reference(lambda: _load(request.artifact_path), request)


def _load(path: str) -> Infer:
    start_no_more()
    config = MobileConfig()
    config.set_model_from_file(path)
    predictor = create_paddle_predictor(config)

    inputs = predictor.get_input_names()

    def infer(image: Array, constants: Constants) -> list[Array]:
        for name in inputs:
            predictor.get_input_by_name(name).from_numpy(constants.get(name, image))
        predictor.run()
        names = predictor.get_output_names()
        # A copy each: the tensors' memory is used again by the next run.
        return [np.array(predictor.get_output(i).numpy()) for i in range(len(names))]

    return infer
