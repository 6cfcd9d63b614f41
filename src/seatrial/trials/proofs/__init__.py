"""What proves each checklist item: pure functions from a :class:`~seatrial.trials.case.Case`.

A proof is registered under the id of its item in :data:`seatrial.core.plugins.proofs`. An item
without a registered proof is ``unmeasured``, whatever else is known.
"""
