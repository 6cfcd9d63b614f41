"""Pure state machines fed (now, event): no clock, no socket, no sleep."""
