"""Two of anything compared: backbones, devices, sweeps, settings, or what a selector says."""
