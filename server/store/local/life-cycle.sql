-- Format 3: what was tried on a conflict, which texts were too long for it, how it was settled and when (in ms since the
-- epoch), and how conflicts were resolved before. `unsent`: the team's store does not know it yet.

ALTER TABLE conflicts ADD COLUMN attempts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE conflicts ADD COLUMN omitted TEXT NOT NULL DEFAULT '{}';
ALTER TABLE conflicts ADD COLUMN how TEXT;
ALTER TABLE conflicts ADD COLUMN settled INTEGER;

CREATE TABLE resolutions (
	project TEXT NOT NULL, key TEXT NOT NULL, bytes BLOB, number INTEGER NOT NULL, unsent INTEGER NOT NULL,
	PRIMARY KEY (project, key)
) WITHOUT ROWID;
CREATE INDEX resolutions_by_age ON resolutions (project, number);
