import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RedisServer } from "./redis-server.ts";
import { Sandbox } from "./sandbox.ts";

/** A sandbox as one machine of a team: its repository is a clone of the team's project, its environment names the Redis. */
export async function createTeamSandbox(server: RedisServer): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	sandbox.environment["REDIS_URL"] = `unix://${server.socket}`;
	await writeFile(join(sandbox.repository, "udo.config.json"), '{ "project": "proj_team" }\n');
	await sandbox.git("add", "-A");
	await sandbox.git("commit", "-qm", "project");
	return sandbox;
}
