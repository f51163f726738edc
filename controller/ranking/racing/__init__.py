"""Which candidate is measured next, and which one no more: pure rules of a race.

Candidates race for a place on the front of top-1 and latency, or, under a limit, for being the most
accurate one within it. Each is measured coarsely first, by one process; further processes go where
they are most likely to change the answer, and a candidate leaves as soon as it has lost.

- Losing is decided by intervals that hold at all looks together: of the normal distribution, with
  the error shared out evenly among all comparisons and all looks (Bonferroni). Races that eliminate
  so go back to Maron and Moore, Hoeffding Races, NIPS 1993, and Even-Dar, Mannor and Mansour,
  Action Elimination and Stopping Conditions, JMLR 7, 2006. A job has at most some ten processes,
  for which a bound of the iterated logarithm (Jamieson and others, lil' UCB, COLT 2014) is wider.
- Two that are within 2 % are alike: an indifference zone (Bechhofer, A Single-Sample Multiple
  Decision Procedure for Ranking Means, 1954; Kim and Nelson, A Fully Sequential Procedure for
  Indifference-Zone Selection in Simulation, 2001).
- Processes go to those whose place could change the answer most, weighed by how uncertain it is:
  expected improvement of the front's hypervolume (Emmerich and others, 2006), as optimal computing
  budget allocation (Chen and others, 2000) does for a single best.
- One that was never measured may lose by its prediction, whose interval is as wide as predictions
  of this device were off; the answer names those apart.
"""
