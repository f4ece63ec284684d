import { mostResolutionBytes, mostResolutions } from "../../coordination/merge-memory.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";

/** A resolution that the team's store does not know yet; without `bytes` it was forgotten. */
export interface UnsentResolution {
	readonly key: string;
	readonly bytes: Uint8Array | undefined;
	readonly number: number;
}

/** See Store.rememberResolution. `isUnsent`: the team's store is still to be told. Part of a step. */
export function rememberResolution(
	database: Database,
	project: ProjectId,
	key: string,
	resolution: Uint8Array | undefined,
	isUnsent: boolean,
): boolean {
	if (resolution !== undefined && resolution.length > mostResolutionBytes) return false;
	// A forgotten one leaves a mark only where somebody else is to be told.
	if (resolution === undefined && !isUnsent) {
		database.run("DELETE FROM resolutions WHERE project = ? AND key = ?", project, key);
		return true;
	}
	database.run(
		`INSERT OR REPLACE INTO resolutions SELECT ?1, ?2, ?3,
			1 + coalesce((SELECT max(number) FROM resolutions WHERE project = ?1), 0), ?4`,
		project,
		key,
		resolution ?? null,
		isUnsent ? 1 : 0,
	);
	database.run(
		`DELETE FROM resolutions WHERE project = ?1 AND number IN (
			SELECT number FROM resolutions WHERE project = ?1 ORDER BY number DESC LIMIT -1 OFFSET ?2
		)`,
		project,
		mostResolutions,
	);
	return true;
}

/** See Store.rememberedResolution. */
export function rememberedResolution(database: Database, project: ProjectId, key: string): Uint8Array | undefined {
	const sql = "SELECT bytes FROM resolutions WHERE project = ? AND key = ?";
	return database.get<{ bytes: Uint8Array | null }>(sql, project, key)?.bytes ?? undefined;
}

/** What the team's store is still to be told, oldest first. */
export function unsentResolutions(database: Database, project: ProjectId): UnsentResolution[] {
	// libsql hands out blobs as Buffers from a single row, and as ArrayBuffers from several.
	return database
		.all<{ key: string; bytes: ArrayBuffer | null; number: number }>(
			"SELECT key, bytes, number FROM resolutions WHERE project = ? AND unsent = 1 ORDER BY number",
			project,
		)
		.map(({ bytes, ...rest }) => ({ ...rest, bytes: bytes === null ? undefined : Buffer.from(bytes) }));
}

/** The team's store was told, unless the same was resolved anew meanwhile. Part of a step. */
export function sentResolution(database: Database, project: ProjectId, { key, bytes, number }: UnsentResolution): void {
	const change = bytes === undefined ? "DELETE FROM resolutions" : "UPDATE resolutions SET unsent = 0";
	database.run(`${change} WHERE project = ? AND key = ? AND number = ?`, project, key, number);
}
