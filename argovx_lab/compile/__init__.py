"""From StepSpec to Argo manifests: pure functions from data to plain dicts.

Owns the shape of the Workflow object and of the platform's templates. Refuses to talk to anything:
submitting is ``cluster``'s work.
"""
