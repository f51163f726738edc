"""What an agent says when it cannot go on; each message is one sentence for a person."""

INPUT_EXIT_CODE = 2
EXECUTION_EXIT_CODE = 4


class AgentError(Exception):
    """The agent cannot do what it was started for.

    Attributes:
        exit_code: what the process ends with: 2 for wrong input, 4 for all else.
    """

    exit_code = EXECUTION_EXIT_CODE
