"""Children that do one step each: started fresh or forked, limited, killed in time."""
