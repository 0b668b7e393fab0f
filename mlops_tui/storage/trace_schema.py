"""The tables of inference traces.

``spans.number`` counts in the order of arrival and is never used twice; ``spans.id`` is the trace's id followed by the
span's. Resources with their scopes, and subjects, stand once under the digest of what they hold. ``folds`` says up to
which span each way of counting has counted.
"""

from __future__ import annotations

from mlops_tui.storage.database import Schema

SCHEMA = Schema(
    steps=(
        (
            """CREATE TABLE origins (
                id INTEGER PRIMARY KEY,
                resource TEXT NOT NULL,
                scope_name TEXT NOT NULL,
                scope_version TEXT NOT NULL
            )""",
            """CREATE TABLE subjects (
                id INTEGER PRIMARY KEY,
                service TEXT NOT NULL,
                project TEXT NOT NULL,
                model TEXT NOT NULL,
                version TEXT NOT NULL,
                arm TEXT NOT NULL,
                environment TEXT NOT NULL
            )""",
            """CREATE TABLE spans (
                number INTEGER PRIMARY KEY,
                id BLOB NOT NULL,
                parent TEXT NOT NULL,
                name TEXT NOT NULL,
                kind INTEGER NOT NULL,
                start_ns INTEGER NOT NULL,
                end_ns INTEGER NOT NULL,
                status INTEGER NOT NULL,
                subject INTEGER NOT NULL,
                origin INTEGER NOT NULL,
                received_ns INTEGER NOT NULL,
                prediction TEXT,
                attributes TEXT NOT NULL,
                rest TEXT
            )""",
            "CREATE UNIQUE INDEX spans_by_id ON spans (id)",
            "CREATE INDEX spans_by_end ON spans (end_ns, subject, start_ns, status)",
            "CREATE INDEX spans_by_prediction ON spans (prediction) WHERE prediction IS NOT NULL",
            """CREATE TABLE labels (
                span INTEGER PRIMARY KEY,
                prediction TEXT,
                target BLOB,
                project TEXT NOT NULL,
                model TEXT NOT NULL,
                end_ns INTEGER NOT NULL,
                outcomes TEXT NOT NULL
            )""",
            "CREATE INDEX labels_by_prediction ON labels (prediction) WHERE prediction IS NOT NULL",
            "CREATE INDEX labels_by_target ON labels (target) WHERE target IS NOT NULL",
            """CREATE TABLE halves (
                id BLOB NOT NULL,
                part TEXT NOT NULL,
                received_ns INTEGER NOT NULL,
                document TEXT NOT NULL,
                PRIMARY KEY (id, part)
            )""",
            """CREATE TABLE windows (
                profile TEXT NOT NULL,
                width INTEGER NOT NULL,
                start INTEGER NOT NULL,
                subject INTEGER NOT NULL,
                spans INTEGER NOT NULL,
                errors INTEGER NOT NULL,
                total_ns INTEGER NOT NULL,
                first_ns INTEGER NOT NULL,
                last_ns INTEGER NOT NULL,
                predictions INTEGER NOT NULL,
                latencies TEXT NOT NULL,
                columns TEXT NOT NULL,
                PRIMARY KEY (profile, width, start, subject)
            )""",
            """CREATE TABLE folds (
                profile TEXT NOT NULL,
                project TEXT NOT NULL,
                model TEXT NOT NULL,
                width INTEGER NOT NULL,
                bins TEXT NOT NULL,
                counted INTEGER NOT NULL,
                since INTEGER NOT NULL,
                PRIMARY KEY (profile, project, model, width)
            )""",
            """CREATE TABLE pruned (
                start INTEGER NOT NULL,
                subject INTEGER NOT NULL,
                PRIMARY KEY (start, subject)
            ) WITHOUT ROWID""",
        ),
    )
)
