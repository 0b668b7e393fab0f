"""Reads feature flags with the Unleash client and evaluates them for a thousand users; prints one line of JSON.

Usage: read_flags.py URL INSTANCE_ID ENVIRONMENT
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile

from UnleashClient import UnleashClient

USERS = [str(number) for number in range(1000)]


def main(url: str, instance_id: str, environment: str) -> None:
    # Without the level the client's own warnings about being one of several would go to standard output.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        client = UnleashClient(
            url=url,
            app_name=environment,
            instance_id=instance_id,
            cache_directory=folder,
            refresh_interval=3600,
            metrics_interval=3600,
            request_retries=0,
        )
        client.initialize_client()
        enabled = {
            name: [user for user in USERS if client.is_enabled(name, {"userId": user})]
            for name in client.feature_definitions()
        }
        client.destroy()
    sys.stdout.write(json.dumps(enabled) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
