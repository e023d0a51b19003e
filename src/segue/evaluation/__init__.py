"""How good takes and models are: likelihood baselines, musical metrics, memorisation, drift."""
