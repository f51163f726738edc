# Has a native runner that was sent load its libraries, as the agent that would measure with it asks for it.
# Arguments: the PYTHON of the agent's environment, the runner's FILE.
exec "$1" -I -m agent.measuring.native.loading "$2"
