"""What holds for every test: random cases have no deadline, and on a build server they are the same each time."""

import os

from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("build", deadline=None, derandomize=True)
settings.load_profile("build" if os.environ.get("CI") else "local")
