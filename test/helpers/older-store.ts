import { Database } from "../../server/store/local/database.ts";

/** Takes from a store of this machine all that formats after `format` brought, as an older udo would have left it. */
export async function makeOlder(directory: string, format: 1 | 2): Promise<void> {
	using database = await Database.open(directory);
	for (const column of ["attempts", "omitted", "how", "settled"]) {
		database.run(`ALTER TABLE conflicts DROP COLUMN ${column}`);
	}
	database.run("DROP TABLE resolutions");
	if (format === 1) {
		for (const table of ["requests", "sessions", "states", "projects"]) database.run(`DROP TABLE team_${table}`);
	}
	database.run(`PRAGMA user_version = ${format}`);
}
