"""What all tables share: their metadata, and how constraints are named."""

from sqlalchemy import MetaData

# Where Alembic keeps a database's revision. The name is ours: databases of before the first release
# have Alembic's own, and revisions of the same numbers that mean something else.
REVISION_TABLE = "schema_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
