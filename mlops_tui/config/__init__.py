"""Settings, contexts, credentials and the project's policy file: everything a person or a team sets up.

Reading what others wrote is kept apart from what follows from it. ``settings`` and ``policy`` validate files with
pydantic and turn them into frozen records; ``configuration``, ``contexts`` and ``credentials`` decide from those
records and need nothing but the standard library, so that the dashboard can open before pydantic is loaded.
"""
