"""What every other package stands on: errors, clock, digests, settings, plug-in registries."""
