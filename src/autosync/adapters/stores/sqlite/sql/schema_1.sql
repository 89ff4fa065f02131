-- Version 1 of AutoSync's own store. Bodies are JSON; columns exist for what is searched, and for the invariants.

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE request (
    id      INTEGER PRIMARY KEY,
    agent   TEXT NOT NULL,
    profile TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('waiting', 'gone')),
    changed TEXT NOT NULL,
    body    BLOB NOT NULL
);
-- Invariant: equal wishes merge, so at most one waits for an agent and profile.
CREATE UNIQUE INDEX one_waiting_request ON request (agent, profile) WHERE state = 'waiting';
CREATE INDEX gone_requests ON request (changed) WHERE state = 'gone';

CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    agent   TEXT NOT NULL,
    engine  TEXT NOT NULL,
    profile TEXT NOT NULL,
    state   TEXT NOT NULL,
    managed INTEGER NOT NULL,
    outcome TEXT,
    started TEXT NOT NULL,
    ended   TEXT,
    body    BLOB NOT NULL
);
-- Invariant: AutoSync runs one profile of an agent at a time; and it sees at most one run of somebody else.
CREATE UNIQUE INDEX one_running_run ON run (agent) WHERE state <> 'ended' AND managed = 1;
CREATE UNIQUE INDEX one_foreign_run ON run (agent) WHERE state <> 'ended' AND managed = 0;
CREATE INDEX runs_of_agent ON run (agent, id);
CREATE INDEX runs_by_end ON run (ended) WHERE ended IS NOT NULL;

CREATE TABLE run_cascade (
    cascade INTEGER NOT NULL,
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    PRIMARY KEY (cascade, run)
) WITHOUT ROWID;
CREATE INDEX cascades_of_run ON run_cascade (run);

CREATE TABLE hold (
    id     INTEGER PRIMARY KEY,
    agent  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    part   TEXT NOT NULL,
    state  TEXT NOT NULL,
    opened TEXT NOT NULL,
    body   BLOB NOT NULL
);
-- Invariant: what is held back is held once.
CREATE UNIQUE INDEX one_open_hold ON hold (agent, kind, part) WHERE state = 'open';
CREATE INDEX live_holds ON hold (id) WHERE state IN ('open', 'approved', 'rejected');

CREATE TABLE cascade (
    id    INTEGER PRIMARY KEY,
    quiet TEXT,
    body  BLOB NOT NULL
);
CREATE INDEX loud_cascades ON cascade (id) WHERE quiet IS NULL;
CREATE INDEX quiet_cascades ON cascade (quiet) WHERE quiet IS NOT NULL;

CREATE TABLE agent (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE schedule (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE token (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE estimate (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE fact (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    severity TEXT NOT NULL,
    agent    TEXT,
    run      INTEGER,
    request  INTEGER,
    hold     INTEGER,
    cascade  INTEGER,
    body     BLOB NOT NULL
);
CREATE INDEX facts_by_time ON fact (at);
CREATE INDEX facts_of_agent ON fact (agent, number) WHERE agent IS NOT NULL;
CREATE INDEX facts_of_run ON fact (run, number) WHERE run IS NOT NULL;
CREATE INDEX facts_of_request ON fact (request, number) WHERE request IS NOT NULL;
CREATE INDEX facts_of_hold ON fact (hold, number) WHERE hold IS NOT NULL;
CREATE INDEX facts_of_cascade ON fact (cascade, number) WHERE cascade IS NOT NULL;

CREATE TABLE message (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    channel  TEXT NOT NULL,
    created  TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      TEXT,
    error    TEXT,
    body     BLOB NOT NULL
);
CREATE INDEX due_messages ON message (due, number);

CREATE TABLE revision (
    number  INTEGER PRIMARY KEY,
    applied TEXT NOT NULL,
    person  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    text    TEXT NOT NULL
);
