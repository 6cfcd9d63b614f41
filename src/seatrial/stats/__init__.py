"""Pure numerics on arrays: intervals, quantiles, calibration, attribution."""
