"""Step: count the parameters and multiply-adds of an architecture's exported program."""

from __future__ import annotations

from models.processes.counting_requests import CountAnswer, CountRequest
from models.steps.counting.kinds_of_work import features
from models.steps.counting.multiply_adds import multiply_adds
from models.steps.counting.programs import operators_of, trained_parameters
from models.steps.paddle import architectures
from models.steps.paddle.fusion import fuse_blocks
from models.steps.paddle.tracing import trace


def run(request: CountRequest) -> CountAnswer:
    """Count what runs on a device: the program after blocks were fused, for one image.

    Parameters are those that training sets; the running statistics of batch norms are not.

    Raises:
        StepRefused: the architecture cannot be built, or an operator's cost is not known.
    """
    network = architectures.build(request.architecture)
    fuse_blocks(network)
    program = trace(network, (1, 3, request.input_size, request.input_size)).forward.main_program
    operators = operators_of(program)
    params = trained_parameters(program)
    return CountAnswer(
        params,
        sum(map(multiply_adds, operators)),
        tuple(sorted({operator.kind for operator in operators})),
        features(operators, params),
    )
