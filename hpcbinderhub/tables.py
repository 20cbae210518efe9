"""The tables of the queue. `migrations/` holds the steps that lead here."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

builds = Table(
    "builds",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("repo_url", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("commit", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("worker", String(64)),
    Column("lease_until", Float),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("failure", Text),
    # Who asked first, and where that puts it in the queue: see `orders.find_or_add`.
    Column("asker", String(255), nullable=False, default=""),
    Column("priority", Integer, nullable=False, default=0),
    Column("turn", Integer, nullable=False, default=0),
    Column("not_before", Float, nullable=False, default=0),
    Column("started", Float),
    # The one user whose build this is; anybody's if there is none.
    Column("reader", String(255)),
    Column("reader_uid", Integer),
    # The build whose record this one is held to.
    Column("locked_to", String(32)),
    # Two requests for the same environment at the same moment make one build, not two.
    Index(
        "one_live_build_per_key",
        "key",
        unique=True,
        sqlite_where=text("state IN ('queued', 'running')"),
        postgresql_where=text("state IN ('queued', 'running')"),
    ),
    Index("builds_by_state", "state", "created"),
    Index("builds_to_claim", "state", "priority", "turn", "created"),
    Index("builds_by_asker", "asker", "state", "turn"),
    Index("builds_by_repository", "repo_url", "state"),
)

images = Table(
    "images",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("artefact", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("build", String(32), ForeignKey("builds.id"), nullable=False),
    Column("made", Float, nullable=False),
    Column("last_launch", Float),
    Column("pinned_by", String(255)),
    Column("pinned_at", Float),
)

# What builds made: kept as long as the build, whatever becomes of its image.
bills = Table(
    "bills",
    metadata,
    Column("build", String(32), ForeignKey("builds.id"), primary_key=True),
    Column("artefact", String(64), nullable=False),
    # zlib over the JSON of a `Bill`.
    Column("bill", LargeBinary, nullable=False),
    Index("bills_by_artefact", "artefact"),
)

# Artefacts that no launch can get any more and whose files a worker has yet to remove.
removals = Table(
    "removals",
    metadata,
    Column("artefact", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("since", Float, nullable=False),
)

# Artefacts that are in the site's registry as images, or were about to be.
published = Table(
    "published",
    metadata,
    Column("artefact", String(64), primary_key=True),
    # The repository in the registry, as `Site.image_registry` was then.
    Column("registry", Text, nullable=False),
    # The manifest's digest once it is there.
    Column("digest", String(71)),
    Column("tries", Integer, nullable=False, default=0),
    Column("not_before", Float, nullable=False, default=0),
    Column("failure", Text),
)

launches = Table(
    "launches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", String(255), nullable=False),
    Column("server", String(64), nullable=False),
    Column("spec", Text, nullable=False),
    Column("repo_url", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("commit", String(40)),
    Column("profile", String(64), nullable=False),
    Column("account", String(64)),
    Column("minutes", Integer),
    Column("nodes", Integer),
    Column("cpus", Integer),
    Column("memory_mb", Integer),
    Column("gpus", Integer),
    Column("gpu_type", String(64)),
    Column("partition", String(64)),
    Column("qos", String(64)),
    Column("constraint", String(64)),
    Column("reservation", String(64)),
    Column("open", Text, nullable=False, default=""),
    Column("start_when_ready", Boolean, nullable=False, default=False),
    Column("reach", String(16), nullable=False, default="closed"),
    Column("workspace", String(64), nullable=False),
    Column("existing", String(8), nullable=False, default="keep"),
    Column("run", Text),
    Column("state", String(16), nullable=False),
    Column("build", String(32)),
    Column("artefact", String(64)),
    Column("private", Boolean, nullable=False, default=False),
    Column("url", Text),
    Column("failure", Text),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Index("launches_by_user", "user", "created"),
    Index("launches_by_state", "state"),
)

events = Table(
    "events",
    metadata,
    Column("stream", String(48), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", Text),
)

kept_logs = Table(
    "kept_logs",
    metadata,
    Column("stream", String(48), primary_key=True),
    Column("kept", Float, nullable=False),
    # zlib over one JSON array for each event.
    Column("events", LargeBinary, nullable=False),
    Index("kept_logs_by_age", "kept"),
)

notices = Table(
    "notices",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("message", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", Float, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("user", String(255), primary_key=True),
    Column("host", String(260), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("used", Float),
)

consents = Table(
    "consents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", String(255), nullable=False),
    Column("repository", Text, nullable=False),
    Column("granted", Float, nullable=False),
    Index("one_consent_per_repository", "user", "repository", unique=True),
)

pushed = Table(
    "pushed",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("commit", String(40), nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("pushed", Float, nullable=False),
    Column("used", Float, nullable=False),
)

# What users chose last (without a name), and what they keep under names.
presets = Table(
    "presets",
    metadata,
    Column("user", String(255), primary_key=True),
    Column("name", String(64), primary_key=True),
    # A `Selection` as JSON.
    Column("selection", Text, nullable=False),
    Column("changed", Float, nullable=False),
)

# Nodes that a server's notebook has workers on: see `crews/records.py`.
crews = Table(
    "crews",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("launch", String(32), nullable=False),
    Column("user", String(255), nullable=False),
    Column("server", String(64), nullable=False),
    Column("name", String(40), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("form", String(8), nullable=False),
    # `Choices` as JSON.
    Column("choices", Text, nullable=False),
    Column("per_node", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("wanted_nodes", Integer, nullable=False),
    Column("wanted_workers", Integer, nullable=False),
    Column("keep", Boolean, nullable=False),
    Column("replace", Boolean, nullable=False),
    Column("scheduler", Text),
    # Sealed; empty once it is over.
    Column("keys", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(16), nullable=False),
    Column("failure", Text),
    Column("version", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    # Two requests with one name at the same moment make one crew, not two.
    Index(
        "one_open_crew_per_name",
        "launch",
        "name",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("crews_by_state", "state", "user"),
)

crew_batches = Table(
    "crew_batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("crew", String(32), ForeignKey("crews.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("form", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("job", String(20), nullable=False),
    Column("ticket_digest", String(64), nullable=False),
    Column("directory", Text, nullable=False),
    Column("intended", Float, nullable=False),
    Index("batches_by_crew", "crew", "number"),
)

crew_nodes = Table(
    "crew_nodes",
    metadata,
    Column("batch", String(32), ForeignKey("crew_batches.id"), primary_key=True),
    Column("task", Integer, primary_key=True),
    Column("workers", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("node", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("expected_start", Float, nullable=False),
    Column("started", Float, nullable=False),
    Column("ends", Float, nullable=False),
    Column("claimant", String(64), nullable=False),
    Column("claimed_run", Float, nullable=False),
    Column("dropped", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("lost", Boolean, nullable=False),
)
