"""The SQL of the store, by name.

Two traps were measured and are tested (``EXPLAIN QUERY PLAN``): ``CROSS JOIN`` after ``json_each`` keeps SQLite from
taking the big table first, and a partial index is used only where its condition is repeated word for word.
"""

# ruff: noqa: S608  (what is put together here are constants of this module)

from typing import Final

VERSION: Final = 4

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, text));
CREATE TABLE space (
    id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, partition TEXT NOT NULL, token BLOB, signature BLOB,
    UNIQUE (agent, partition)
);
CREATE TABLE cs (
    id INTEGER PRIMARY KEY,
    agent INTEGER NOT NULL,
    space INTEGER NOT NULL,
    type TEXT NOT NULL,
    anchor TEXT,              -- NULL until the connected system has given one
    dn TEXT,                  -- NULL: the same as the anchor, and no distinguished name
    digest BLOB,
    mv INTEGER,
    link INTEGER NOT NULL DEFAULT 0,
    staged INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,
    blob BLOB,
    before BLOB,
    export BLOB,
    escrow BLOB
);
CREATE UNIQUE INDEX cs_anchor ON cs (agent, anchor) WHERE anchor IS NOT NULL;
CREATE INDEX cs_dn ON cs (agent, dn COLLATE NOCASE) WHERE dn IS NOT NULL;
CREATE INDEX cs_space ON cs (space);
CREATE INDEX cs_mv ON cs (mv) WHERE mv IS NOT NULL;
CREATE INDEX cs_staged ON cs (space, staged) WHERE staged <> 0;
CREATE INDEX cs_pending ON cs (space, pending) WHERE pending <> 0;
CREATE INDEX cs_escrow ON cs (space) WHERE escrow IS NOT NULL;

-- Who names whom: every reference value of the connector spaces; state 1: staged new, 2: staged away.
CREATE TABLE ref (
    cs INTEGER NOT NULL, attribute INTEGER NOT NULL, value TEXT NOT NULL,
    agent INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (cs, attribute, value)
) WITHOUT ROWID;
CREATE INDEX ref_value ON ref (agent, value COLLATE NOCASE);
CREATE INDEX ref_staged ON ref (cs, attribute) WHERE state <> 0;

-- Pending differences of multi-valued references; key: the target's connector space id, or the value to take away.
CREATE TABLE export_ref (
    cs INTEGER NOT NULL, attribute INTEGER NOT NULL, removes INTEGER NOT NULL, key NOT NULL,
    value TEXT, sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (cs, attribute, removes, key)
) WITHOUT ROWID;
CREATE INDEX export_ref_key ON export_ref (key) WHERE removes = 0;

-- stamp: the rules by which the object was evaluated last, 0 where it must be looked at again.
CREATE TABLE mv (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, blob BLOB NOT NULL, stamp INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE mv_key (
    name TEXT NOT NULL, value TEXT NOT NULL, mv INTEGER NOT NULL, PRIMARY KEY (name, value, mv)
) WITHOUT ROWID;

CREATE TABLE waiting (
    agent INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, cs INTEGER NOT NULL,
    PRIMARY KEY (agent, name, value, cs)
) WITHOUT ROWID;
CREATE INDEX waiting_cs ON waiting (cs);

CREATE TABLE due (
    mv INTEGER NOT NULL, agent INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (mv, agent, value)
) WITHOUT ROWID;
-- at: when a connector is to be deprovisioned, in seconds since 1970; 0 where that moment has come.
CREATE TABLE delayed (mv INTEGER NOT NULL, agent INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (mv, agent))
WITHOUT ROWID;
CREATE INDEX delayed_at ON delayed (at);

CREATE TABLE object_error (
    cs INTEGER NOT NULL, stage TEXT NOT NULL, agent INTEGER NOT NULL, dn TEXT NOT NULL, error_type TEXT NOT NULL,
    algorithm_step TEXT NOT NULL, message TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
    retries INTEGER NOT NULL, PRIMARY KEY (cs, stage)
) WITHOUT ROWID;

CREATE TABLE tally (space INTEGER NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (space, what))
WITHOUT ROWID;

CREATE TABLE run (
    agent INTEGER NOT NULL, number INTEGER NOT NULL, ended TEXT, result BLOB NOT NULL, PRIMARY KEY (agent, number)
) WITHOUT ROWID;
CREATE INDEX run_open ON run (agent) WHERE ended IS NULL;
"""

ROW: Final = (
    "cs.id, cs.agent, cs.space, cs.type, cs.anchor, coalesce(cs.dn, cs.anchor), cs.digest, cs.mv, cs.link, cs.staged,"
    " cs.pending, cs.blob, cs.before, cs.export, cs.escrow"
)

_SAME_NAME: Final = "(cs.dn = j.value OR instr(j.value, '=') > 0)"
"""Distinguished names are the same in capitals and in small letters, other names are not (``names.name_key``)."""

# Reading -------------------------------------------------------------------------------------------------------------

KNOWN: Final = """
SELECT cs.anchor, cs.id, cs.digest,
       (cs.staged = 4) + (cs.pending <> 0) + (cs.escrow IS NOT NULL) + (cs.space <> ?2)
FROM json_each(?3) AS j CROSS JOIN cs ON cs.agent = ?1 AND cs.anchor = j.value AND cs.anchor IS NOT NULL
"""
NAMELESS: Final = f"""
SELECT {ROW} FROM json_each(?2) AS j
CROSS JOIN cs INDEXED BY cs_dn ON cs.agent = ?1 AND cs.dn = j.value COLLATE NOCASE AND cs.dn IS NOT NULL
WHERE {_SAME_NAME} AND cs.anchor IS NULL
"""
BY_ID: Final = f"SELECT {ROW} FROM json_each(?1) AS j CROSS JOIN cs ON cs.id = j.value"
BY_ANCHOR: Final = f"""
SELECT {ROW} FROM json_each(?2) AS j
CROSS JOIN cs INDEXED BY cs_anchor ON cs.agent = ?1 AND cs.anchor = j.value AND cs.anchor IS NOT NULL
"""
BY_DN: Final = f"""
SELECT {ROW} FROM json_each(?2) AS j
CROSS JOIN cs INDEXED BY cs_dn ON cs.agent = ?1 AND cs.dn = j.value COLLATE NOCASE AND cs.dn IS NOT NULL
WHERE {_SAME_NAME}
"""
BY_MV: Final = f"""
SELECT {ROW} FROM json_each(?1) AS j CROSS JOIN cs INDEXED BY cs_mv ON cs.mv = j.value AND cs.mv IS NOT NULL
ORDER BY cs.id
"""
SCAN: Final = f"SELECT {ROW} FROM cs INDEXED BY cs_space WHERE cs.space = ?1 AND cs.id > ?2 ORDER BY cs.id LIMIT ?3"
SCAN_STALE: Final = f"""
SELECT {ROW} FROM cs INDEXED BY cs_space LEFT JOIN mv ON mv.id = cs.mv
WHERE cs.space = ?1 AND cs.id > ?2 AND (cs.staged <> 0 OR mv.id IS NULL OR mv.stamp <> ?4) ORDER BY cs.id LIMIT ?3
"""
COUNT_FRESH: Final = """
SELECT count(*) FROM cs INDEXED BY cs_space CROSS JOIN mv ON mv.id = cs.mv
WHERE cs.space = ?1 AND cs.staged = 0 AND mv.stamp = ?2
"""
SCAN_SEEN: Final = "SELECT id FROM cs INDEXED BY cs_space WHERE space = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
STAGED: Final = f"""
SELECT {ROW} FROM cs INDEXED BY cs_staged
WHERE cs.space = ?1 AND cs.staged = ?2 AND cs.staged <> 0 AND cs.id > ?3 ORDER BY cs.id LIMIT ?4
"""
PENDING: Final = f"""
SELECT {ROW} FROM cs INDEXED BY cs_pending
WHERE cs.space = ?1 AND cs.pending = ?2 AND cs.pending <> 0 AND cs.id > ?3 ORDER BY cs.id LIMIT ?4
"""
ESCROW: Final = f"""
SELECT {ROW} FROM cs INDEXED BY cs_escrow
WHERE cs.space = ?1 AND cs.escrow IS NOT NULL AND cs.id > ?2 ORDER BY cs.id LIMIT ?3
"""
MV_BY_ID: Final = "SELECT mv.id, mv.type, mv.blob, mv.stamp FROM json_each(?1) AS j CROSS JOIN mv ON mv.id = j.value"
MV_SCAN: Final = "SELECT id, type, blob, stamp FROM mv WHERE id > ?1 ORDER BY id LIMIT ?2"
MV_BY_KEY: Final = """
SELECT mv_key.value, mv_key.mv FROM json_each(?2) AS j CROSS JOIN mv_key ON mv_key.name = ?1 AND mv_key.value = j.value
"""
LINKS_BY_ANCHOR: Final = """
SELECT cs.anchor, cs.mv FROM json_each(?2) AS j
CROSS JOIN cs INDEXED BY cs_anchor ON cs.agent = ?1 AND cs.anchor = j.value AND cs.anchor IS NOT NULL
WHERE cs.mv IS NOT NULL
"""
LINKS_BY_DN: Final = f"""
SELECT j.value, cs.mv FROM json_each(?2) AS j
CROSS JOIN cs INDEXED BY cs_dn ON cs.agent = ?1 AND cs.dn = j.value COLLATE NOCASE AND cs.dn IS NOT NULL
WHERE cs.mv IS NOT NULL AND {_SAME_NAME}
"""
NAMES_OF_MV: Final = """
SELECT cs.mv, cs.agent, cs.id, cs.anchor, coalesce(cs.dn, cs.anchor), cs.pending
FROM json_each(?1) AS j CROSS JOIN cs INDEXED BY cs_mv ON cs.mv = j.value AND cs.mv IS NOT NULL ORDER BY cs.id DESC
"""
NAMES_OF_CS: Final = """
SELECT cs.id, cs.anchor, coalesce(cs.dn, cs.anchor), cs.pending FROM json_each(?1) AS j CROSS JOIN cs ON cs.id = j.value
"""
DEPENDENTS: Final = f"""
SELECT DISTINCT cs.mv, ref.attribute, ref.value FROM json_each(?2) AS j
CROSS JOIN ref INDEXED BY ref_value ON ref.agent = ?1 AND ref.value = j.value COLLATE NOCASE
CROSS JOIN cs ON cs.id = ref.cs WHERE cs.mv IS NOT NULL AND {_SAME_NAME.replace("cs.dn", "ref.value")}
"""
REFS_OF: Final = """
SELECT ref.cs, ref.attribute, ref.value, ref.state FROM json_each(?1) AS j CROSS JOIN ref ON ref.cs = j.value
"""
REFS_STAGED: Final = """
SELECT ref.cs, ref.attribute, ref.value, ref.state FROM json_each(?1) AS j
CROSS JOIN ref INDEXED BY ref_staged ON ref.cs = j.value AND ref.state <> 0
"""
REFS_AMONG: Final = """
SELECT j.key, ref.value FROM json_each(?1) AS j
CROSS JOIN ref ON ref.cs = json_extract(j.value, '$[0]') AND ref.attribute = json_extract(j.value, '$[1]')
              AND ref.value = json_extract(j.value, '$[2]')
WHERE ref.state <> 2
"""
REFS_AMONG_BY_DN: Final = """
SELECT j.key, ref.value FROM json_each(?1) AS j CROSS JOIN cs ON cs.id = json_extract(j.value, '$[0]')
CROSS JOIN ref INDEXED BY ref_value
    ON ref.agent = cs.agent AND ref.value = json_extract(j.value, '$[2]') COLLATE NOCASE
    AND ref.cs = cs.id AND ref.attribute = json_extract(j.value, '$[1]')
WHERE ref.state <> 2
"""
HAS_REFS: Final = """
SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]') FROM json_each(?1) AS j
WHERE EXISTS (
    SELECT 1 FROM ref WHERE ref.cs = json_extract(j.value, '$[0]') AND ref.attribute = json_extract(j.value, '$[1]')
)
"""
DESIRED_BY_ANCHOR: Final = """
SELECT j.key, y.id, y.anchor, coalesce(y.dn, y.anchor) FROM json_each(?1) AS j
CROSS JOIN ref ON ref.cs = json_extract(j.value, '$[0]') AND ref.attribute = json_extract(j.value, '$[1]')
CROSS JOIN cs AS x INDEXED BY cs_anchor
    ON x.agent = json_extract(j.value, '$[2]') AND x.anchor = ref.value AND x.anchor IS NOT NULL
CROSS JOIN cs AS y INDEXED BY cs_mv
    ON y.mv = x.mv AND y.mv IS NOT NULL AND y.agent = json_extract(j.value, '$[3]')
WHERE ref.state <> 2
"""
DESIRED_BY_DN: Final = (
    DESIRED_BY_ANCHOR.replace("cs_anchor", "cs_dn")
    .replace("x.anchor = ref.value", "x.dn = ref.value COLLATE NOCASE")
    .replace("x.anchor", "x.dn")
    .replace("WHERE ", "WHERE (x.dn = ref.value OR instr(ref.value, '=') > 0) AND ")
)
EXPORT_REFS: Final = """
SELECT export_ref.cs, export_ref.attribute, export_ref.removes, export_ref.key, export_ref.value, export_ref.sent
FROM json_each(?1) AS j CROSS JOIN export_ref ON export_ref.cs = j.value
"""
EXPORT_REFS_ABOUT: Final = """
SELECT export_ref.cs, export_ref.attribute, export_ref.removes, export_ref.key, export_ref.value, export_ref.sent, cs.mv
FROM json_each(?1) AS j
CROSS JOIN export_ref INDEXED BY export_ref_key ON export_ref.key = j.value AND export_ref.removes = 0
CROSS JOIN cs ON cs.id = export_ref.cs
"""
WAITING: Final = """
SELECT waiting.value, waiting.cs FROM json_each(?3) AS j
CROSS JOIN waiting ON waiting.agent = ?1 AND waiting.name = ?2 AND waiting.value = j.value
"""
DUE: Final = "SELECT mv, agent, value FROM due WHERE mv > ?1 ORDER BY mv, agent, value LIMIT ?2"
DUE_OF: Final = "SELECT mv, agent, value FROM due WHERE mv = ?1"
DELAYED_OF: Final = (
    "SELECT delayed.mv, delayed.agent, delayed.at FROM json_each(?1) AS j CROSS JOIN delayed ON delayed.mv = j.value"
)
DELAYED_DUE: Final = "SELECT mv, agent FROM delayed WHERE at > 0 AND at <= ?1 ORDER BY at LIMIT ?2"
NEXT_DELAYED: Final = """
SELECT count(*) FILTER (WHERE delayed.at <= ?2), min(delayed.at) FROM name
CROSS JOIN delayed INDEXED BY delayed_at ON delayed.agent = name.id AND delayed.at > 0
WHERE name.kind = 'agent' AND name.text = ?1
"""
ERRORS_OF: Final = """
SELECT object_error.cs, stage, agent, dn, error_type, algorithm_step, message, first, last, retries
FROM json_each(?1) AS j CROSS JOIN object_error ON object_error.cs = j.value AND object_error.stage = ?2
"""
ERRORS_OF_AGENT: Final = """
SELECT cs, stage, agent, dn, error_type, algorithm_step, message, first, last, retries
FROM object_error WHERE agent = ?1 ORDER BY cs, stage LIMIT ?2
"""
TALLIES: Final = "SELECT space, what, n FROM tally WHERE n <> 0"
TALLY_OF: Final = (
    "SELECT space, what, n FROM tally JOIN space ON space.id = tally.space WHERE space.agent = ?1 AND n <> 0"
)
STAGED_ALL: Final = """
SELECT id, staged, type, anchor, dn, blob FROM cs INDEXED BY cs_staged
WHERE space = ?1 AND staged <> 0 ORDER BY staged, id
"""
STAGED_REFS_ALL: Final = """
SELECT ref.cs, ref.attribute, ref.value, ref.state FROM cs INDEXED BY cs_staged
CROSS JOIN ref INDEXED BY ref_staged ON ref.cs = cs.id AND ref.state <> 0
WHERE cs.space = ?1 AND cs.staged <> 0 ORDER BY ref.cs, ref.attribute, ref.value
"""
PENDING_ALL: Final = """
SELECT id, pending, type, anchor, dn, export FROM cs INDEXED BY cs_pending
WHERE space = ?1 AND pending <> 0 ORDER BY pending, id
"""
PENDING_REFS_ALL: Final = """
SELECT export_ref.cs, export_ref.attribute, export_ref.removes, export_ref.key FROM cs INDEXED BY cs_pending
CROSS JOIN export_ref ON export_ref.cs = cs.id
WHERE cs.space = ?1 AND cs.pending <> 0 AND export_ref.sent = 0
ORDER BY export_ref.cs, export_ref.attribute, export_ref.removes, export_ref.key
"""

# Writing -------------------------------------------------------------------------------------------------------------

INSERT_CS: Final = """
INSERT INTO cs (id, agent, space, type, anchor, dn, digest, mv, link, staged, pending, blob, before, export, escrow)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_READ: Final = """
UPDATE cs SET space = ?, type = ?, anchor = ?, dn = ?, digest = ?, staged = ?, pending = ?, blob = ?, before = ?,
              export = ?, escrow = ? WHERE id = ?
"""
UPDATE_CONTENT: Final = """
UPDATE cs SET type = ?, digest = ?, staged = ?, pending = ?, blob = ?, before = ?, export = ?, escrow = ? WHERE id = ?
"""
UPDATE_DIGEST: Final = "UPDATE cs SET digest = ? WHERE id = ?"
UPDATE_LINK: Final = "UPDATE cs SET mv = ?, link = ?, staged = ?, before = ? WHERE id = ?"
UPDATE_PENDING: Final = "UPDATE cs SET mv = ?, link = ?, dn = ?, pending = ?, export = ? WHERE id = ?"
UPDATE_SENT: Final = "UPDATE cs SET anchor = ?, dn = ?, pending = ?, export = ?, escrow = ? WHERE id = ?"
DELETE_CS: Final = "DELETE FROM cs WHERE id = ?"
DELETE_REFS_OF: Final = "DELETE FROM ref WHERE cs = ?"
DELETE_EXPORT_REFS_OF: Final = "DELETE FROM export_ref WHERE cs = ?"
DELETE_WAITING_OF: Final = "DELETE FROM waiting WHERE cs = ?"
DELETE_ERRORS_OF: Final = "DELETE FROM object_error WHERE cs = ?"
DELETE_REF: Final = "DELETE FROM ref WHERE cs = ? AND attribute = ? AND value = ?"
INSERT_REF: Final = """
INSERT INTO ref (cs, attribute, value, agent, state) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET state = excluded.state
"""
UPDATE_REF: Final = "UPDATE ref SET state = ? WHERE cs = ? AND attribute = ? AND value = ?"
SETTLE_REFS_GONE: Final = "DELETE FROM ref WHERE cs = ? AND state <> 0 AND state = 2"
SETTLE_REFS: Final = "UPDATE ref SET state = 0 WHERE cs = ? AND state <> 0"
DELETE_EXPORT_REF: Final = "DELETE FROM export_ref WHERE cs = ? AND attribute = ? AND removes = ? AND key = ?"
INSERT_EXPORT_REF: Final = """
INSERT INTO export_ref (cs, attribute, removes, key, value, sent) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, sent = excluded.sent
"""
UPDATE_EXPORT_REF: Final = """
UPDATE export_ref SET sent = ?, value = ? WHERE cs = ? AND attribute = ? AND removes = ? AND key = ?
"""
INSERT_MV: Final = "INSERT INTO mv (id, type, blob, stamp) VALUES (?, ?, ?, ?)"
UPDATE_MV: Final = "UPDATE mv SET blob = ?, stamp = ? WHERE id = ?"
STAMP_MV: Final = "UPDATE mv SET stamp = ? WHERE id = ?"
DELETE_MV: Final = "DELETE FROM mv WHERE id = ?"
DELETE_KEY: Final = "DELETE FROM mv_key WHERE name = ? AND value = ? AND mv = ?"
INSERT_KEY: Final = "INSERT OR IGNORE INTO mv_key (name, value, mv) VALUES (?, ?, ?)"
DELETE_KEYS_NAMED: Final = "DELETE FROM mv_key WHERE name = ?"
INSERT_WAITING: Final = "INSERT OR IGNORE INTO waiting (agent, name, value, cs) VALUES (?, ?, ?, ?)"
DELETE_DUE: Final = "DELETE FROM due WHERE mv = ? AND agent = ? AND value = ?"
DELETE_DUE_OF: Final = "DELETE FROM due WHERE mv = ?"
INSERT_DUE: Final = "INSERT OR IGNORE INTO due (mv, agent, value) VALUES (?, ?, ?)"
DELETE_DELAYED: Final = "DELETE FROM delayed WHERE mv = ? AND agent = ?"
DELETE_DELAYED_OF: Final = "DELETE FROM delayed WHERE mv = ?"
INSERT_DELAYED: Final = "INSERT OR REPLACE INTO delayed (mv, agent, at) VALUES (?, ?, ?)"
DELETE_ERROR: Final = "DELETE FROM object_error WHERE cs = ? AND stage = ?"
INSERT_ERROR: Final = "INSERT OR REPLACE INTO object_error VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_TALLY: Final = """
INSERT INTO tally (space, what, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n
"""
UPDATE_SPACE: Final = "UPDATE space SET token = ?, signature = ? WHERE id = ?"
INSERT_SPACE: Final = "INSERT OR IGNORE INTO space (agent, partition) VALUES (?, ?)"
SELECT_SPACE: Final = "SELECT id, agent, partition, token, signature FROM space WHERE agent = ? ORDER BY id"
INSERT_NAME: Final = "INSERT OR IGNORE INTO name (kind, text) VALUES (?, ?)"
SELECT_NAME: Final = "SELECT id FROM name WHERE kind = ? AND text = ?"
SELECT_META: Final = "SELECT value FROM meta WHERE key = ?"
REPLACE_META: Final = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"

# Runs ----------------------------------------------------------------------------------------------------------------

NEXT_RUN: Final = "SELECT coalesce(max(number), 0) FROM run WHERE agent = ?"
INSERT_RUN: Final = "INSERT OR REPLACE INTO run (agent, number, ended, result) VALUES (?, ?, ?, ?)"
OPEN_RUNS: Final = "SELECT agent, number, result FROM run WHERE ended IS NULL ORDER BY agent, number"
RUNS_AFTER: Final = "SELECT number, result FROM run WHERE agent = ? AND number > ? ORDER BY number LIMIT ?"
LAST_RUN: Final = "SELECT number, result FROM run WHERE agent = ? ORDER BY number DESC LIMIT 1"
CLEAR_RUNS: Final = "DELETE FROM run WHERE ended IS NOT NULL AND ended <= ?"
