"""Pure numerics on arrays: intervals, resampling, quantiles, calibration, attribution, scores."""
