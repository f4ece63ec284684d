-- All times are milliseconds of this machine's monotonic clock since boot, except events.at and conflicts.at, which are for
-- people only. A new boot empties sessions, holds and tickets: their processes are gone, and the clock starts again.
--
-- What a step costs is mostly the number of pages that it writes (each goes to the log whole): hence few indexes, and one
-- table for every single number.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- The fencing counter (`fence`), the metrics (`udo_…`), and what triggers keep: how many locks a project has (`locks of …`),
-- and when the next lease, place or session runs out, or earlier, never later (`due`).
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('fence', 0), ('due', 0);

CREATE TABLE sessions (
	project TEXT NOT NULL, id TEXT NOT NULL, opened INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
	host TEXT NOT NULL, process TEXT NOT NULL, worktree TEXT NOT NULL, branch TEXT,
	since INTEGER NOT NULL, beat INTEGER NOT NULL, expires INTEGER NOT NULL,
	PRIMARY KEY (project, id)
) WITHOUT ROWID;
CREATE INDEX sessions_by_id ON sessions (id);
CREATE TRIGGER session_opened AFTER INSERT ON sessions BEGIN
	UPDATE counters SET value = new.expires WHERE name = 'due' AND value > new.expires;
END;
CREATE TRIGGER session_seen AFTER UPDATE OF expires ON sessions BEGIN
	UPDATE counters SET value = new.expires WHERE name = 'due' AND value > new.expires;
END;

-- One row for each resource of each granted request. All rows of one (project, resource) have one session and one token.
-- `size` is how many resources the request was granted; fewer rows than that, and it has lost some.
CREATE TABLE holds (
	project TEXT NOT NULL, resource TEXT NOT NULL, request TEXT NOT NULL, kind TEXT NOT NULL, session TEXT NOT NULL,
	token INTEGER NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL, owner TEXT,
	ttl INTEGER NOT NULL, since INTEGER NOT NULL, expires INTEGER NOT NULL,
	PRIMARY KEY (project, resource, request)
) WITHOUT ROWID;
CREATE INDEX holds_by_request ON holds (request);
CREATE INDEX holds_by_session ON holds (session, project);
CREATE INDEX holds_exclusive ON holds (kind) WHERE kind = 'exclusive';

-- Holds and tickets are only ever renewed to later times.
CREATE TRIGGER hold_added AFTER INSERT ON holds BEGIN
	UPDATE counters SET value = new.expires WHERE name = 'due' AND value > new.expires;
END;
CREATE TRIGGER lock_added AFTER INSERT ON holds
WHEN NOT EXISTS (
	SELECT 1 FROM holds WHERE project = new.project AND resource = new.resource AND request <> new.request
) BEGIN
	INSERT INTO counters VALUES ('locks of ' || new.project, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER lock_removed AFTER DELETE ON holds
WHEN NOT EXISTS (SELECT 1 FROM holds WHERE project = old.project AND resource = old.resource) BEGIN
	UPDATE counters SET value = value - 1 WHERE name = 'locks of ' || old.project;
END;

CREATE TABLE tickets (
	ticket INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, project TEXT NOT NULL, session TEXT NOT NULL,
	resources TEXT NOT NULL, origin TEXT NOT NULL, owner TEXT, ttl INTEGER NOT NULL, since INTEGER NOT NULL,
	expires INTEGER NOT NULL
);

CREATE TRIGGER ticket_taken AFTER INSERT ON tickets BEGIN
	UPDATE counters SET value = new.expires WHERE name = 'due' AND value > new.expires;
END;

CREATE TABLE finished (request TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX finished_by_expiry ON finished (expires);

-- Numbered project by project.
CREATE TABLE events (
	project TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL,
	session TEXT, actor TEXT, body TEXT NOT NULL,
	PRIMARY KEY (project, seq)
) WITHOUT ROWID;

CREATE TABLE conflicts (
	id TEXT PRIMARY KEY, project TEXT NOT NULL, cause TEXT NOT NULL, report TEXT NOT NULL, at INTEGER NOT NULL,
	resolution TEXT, resolved_by TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX conflicts_open ON conflicts (project, cause) WHERE resolution IS NULL;

CREATE TABLE blobs (
	conflict TEXT NOT NULL, side TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (conflict, side)
) WITHOUT ROWID;

CREATE TABLE presence (
	project TEXT NOT NULL, session TEXT NOT NULL, path TEXT NOT NULL, unsaved INTEGER NOT NULL, line INTEGER,
	at INTEGER NOT NULL, PRIMARY KEY (project, session, path)
) WITHOUT ROWID;

CREATE TABLE states (
	project TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (project, key)
) WITHOUT ROWID;
