import { describe, expect, test } from "vitest";
import { machineClock } from "../../server/coordination/clock.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { branch, file, project, requestOf } from "../helpers/request.ts";
import { type Machine, Team } from "../helpers/team.ts";
import type { HoldOptions } from "../helpers/team-worker.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";

const ttlMs = 1200;
const lockDelayMs = 2000;

describe.skipIf(!hasRedis)("a machine of a team that is gone", () => {
	test("keeps its locks for their lease and two seconds, then the first who waits has them", async () => {
		await using team = await Team.start();
		await using holder = await hold(await team.machine("east"), "ann");
		const bob = await (await team.machine("west")).with(["bob"]);
		const { token, until: deadline } = await holder.says("holds");
		holder.kill("SIGKILL");
		const request = requestOf("bob", [file("src/"), branch("main")], { queue: true });

		expect(await bob.acquire(request)).toMatchObject({
			ok: false,
			reason: "held",
			blockers: [{ session: "ann" }, { session: "ann" }],
		});
		const granted = await until(
			() => bob.acquire(request),
			({ ok }) => ok,
		);
		expect(machineClock.now()).toBeGreaterThanOrEqual(Number(deadline) + lockDelayMs);
		expect(granted).toMatchObject({ ok: true, isLocalOnly: false });
		expect(granted.ok && granted.token).toBeGreaterThan(Number(token));
	});

	test("was only paused: it has given up before anybody else is let in, and is not let in again", async () => {
		await using team = await Team.start();
		await using holder = await hold(await team.machine("east"), "ann");
		const bob = await (await team.machine("west")).with(["bob"]);
		const { token } = await holder.says("holds");
		holder.kill("SIGSTOP");
		const granted = await until(
			() => bob.acquire(requestOf("bob", file("src/a.ts"))),
			({ ok }) => ok,
		);
		holder.kill("SIGCONT");

		await holder.says("lost");
		expect(granted.ok && granted.token).toBeGreaterThan(Number(token));
		expect(await bob.locks(project)).toMatchObject([{ session: "bob", resource: file("src/a.ts") }]);
	});
});

async function hold({ host, directory, socket }: Machine, session: string): Promise<Worker> {
	const options: HoldOptions = {
		host,
		directory,
		socket,
		session,
		resources: [file("src/a.ts"), branch("main")],
		ttlMs,
	};
	return new Worker(await bundleWorker("test/helpers/team-worker.ts"), "hold", options);
}
