"""Fleet, sweeps, artifacts, results, ranking, command line and report."""
