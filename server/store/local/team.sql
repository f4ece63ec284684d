-- What this machine has with a team's store (see ledger.ts). It survives the processes that it is about, and reboots: what was
-- asked for there and is over here is given back there as soon as it can be reached. Times as in schema.sql.

-- `name` is what the request is called there; `until` is explained in ledger.ts.
CREATE TABLE team_requests (
	request TEXT PRIMARY KEY, project TEXT NOT NULL, session TEXT NOT NULL, stage TEXT NOT NULL, name TEXT NOT NULL,
	until INTEGER NOT NULL
) WITHOUT ROWID;

-- The sessions of this machine that were registered there.
CREATE TABLE team_sessions (project TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (project, session)) WITHOUT ROWID;

-- States that were saved here while it was away.
CREATE TABLE team_states (project TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (project, key)) WITHOUT ROWID;

-- How far the team's log had come when it was last seen, this machine's when the outage began, and what of it was `sent`. `boot`: which data of which
-- server the locks rely on; `doubts` counts how often that changed since somebody asked whether they still stand.
CREATE TABLE team_projects (
	project TEXT PRIMARY KEY, there INTEGER NOT NULL DEFAULT 0, here INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
	boot TEXT, server TEXT, doubts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
