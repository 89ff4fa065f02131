"""How an older store becomes a newer one: SQL by the version that it starts from."""

from collections.abc import Mapping
from typing import Final

MIGRATIONS: Final[Mapping[int, str]] = {
    1: """
ALTER TABLE mv ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS export_ref_key ON export_ref (key) WHERE removes = 0;
""",
    2: """
DROP INDEX IF EXISTS cs_nameless;
DROP INDEX cs_dn;
CREATE INDEX cs_dn ON cs (agent, dn COLLATE NOCASE) WHERE dn IS NOT NULL;
""",
    3: """
DROP INDEX ref_value;
CREATE INDEX ref_value ON ref (agent, value COLLATE NOCASE);
UPDATE cs SET dn = anchor WHERE dn IS NULL AND instr(anchor, '=') > 0;
""",
}
"""``{1: …}`` leads from schema 1 to 2."""
