"""Production accuracy without labels: learnt from stress, checked by agreement, or refused."""
