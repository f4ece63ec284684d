import { RedisSentinels } from "../../helpers/redis-sentinels.ts";
import { type RedisOptions, RedisServer } from "../../helpers/redis-server.ts";
import { until } from "../../helpers/until.ts";
import { canPartition, Network, type Trouble } from "../redis-network.ts";
import { quantile, type Report } from "../report.ts";
import { FaultsTeam, type FaultsTeamOptions, type Outcome, passed } from "./team.ts";

/** A fault of the team's store or of the way to it, and how often the whole campaign injects it. */
export interface Fault {
	readonly what: string;
	readonly count: number;
	/** Whether it can be done here. */
	readonly isPossible?: boolean;
	readonly run: (count: number, size: TeamSize) => Promise<readonly Outcome[]>;
}

export interface TeamSize {
	readonly machines: readonly string[];
	readonly sessionsEach: number;
	readonly seed: number;
}

/** Every fault by its name on the command line. */
export const faults: Readonly<Record<string, Fault>> = {
	"kill-always": killed("always", "AOF always"),
	"kill-everysec": killed("everysec", "AOF everysec"),
	"kill-none": killed(undefined, "nothing on disk"),
	"stop-3": onServer("Redis stopped for 3 s", 10, (server) => stopped(server, 3000)),
	"stop-30": onServer("Redis stopped for 30 s", 10, (server) => stopped(server, 30_000)),
	scripts: onServer("SCRIPT FLUSH", 20, async (server) => {
		await server.command("SCRIPT", "FLUSH");
	}),
	clients: onServer("CLIENT KILL of all", 20, async (server) => {
		for (const type of ["normal", "pubsub"]) await server.command("CLIENT", "KILL", "TYPE", type);
	}),
	flush: onServer("FLUSHALL", 20, async (server) => {
		await server.command("FLUSHALL");
	}),
	readonly: onServer("READONLY for 1 s", 20, async (server) => {
		await server.command("REPLICAOF", "127.0.0.1", 1);
		await passed(1000);
		await server.command("REPLICAOF", "NO", "ONE");
	}),
	sentinel: { what: "failover by Sentinel", count: 10, run: failOver },
	"holder-kill": onTeam("holder killed", 20, (team) => team.killOne()),
	"holder-pause": onTeam("holder stopped past its lease", 20, (team) => team.pauseHolder()),
	"net-drop": parted("one machine cut off for 5 s", { kind: "drop" }),
	"net-in": parted("nothing reaches one machine for 5 s", { kind: "in" }),
	"net-out": parted("nothing leaves one machine for 5 s", { kind: "out" }),
	"net-delay": parted("200 ms delay for one machine", { kind: "delay", ms: 200 }),
	"net-loss": parted("5 % of packets lost for one machine", { kind: "loss", percent: 5 }),
};

/** Injects one fault so often and says what came of it. */
export async function injectFault(fault: Fault, count: number, size: TeamSize): Promise<Report> {
	const name = `${fault.what} (${count} times)`;
	if (fault.isPossible === false) {
		return { name, figures: { runs: 0 }, wrong: [], slow: ["needs root, ip, nft and network namespaces"] };
	}
	const outcomes = await fault.run(count, size);
	const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
	const back = outcomes.map((outcome) => outcome.backMs);
	const all = (kind: "away" | "stuck" | "crashes" | "fell" | "stale" | "overlaps" | "orphans" | "complaints") =>
		outcomes.flatMap((outcome) => outcome[kind]);
	return {
		name,
		figures: {
			runs: outcomes.length,
			grants: sum(({ grants }) => grants),
			writes: sum(({ writes }) => writes),
			"writes refused by token": sum(({ refused }) => refused),
			"stale writes": all("stale").length,
			"tokens that fell": all("fell").length,
			"overlaps that were told": sum(({ reported }) => reported),
			"overlaps untold": all("overlaps").length,
			orphans: all("orphans").length,
			"back after ms, median": Math.round(quantile(back, 0.5)),
			longest: Math.round(Math.max(...back)),
		},
		wrong: [
			...all("stale").map((each) => `stale write: ${each}`),
			...all("fell").map((each) => `token fell: ${each}`),
			...all("overlaps").map((each) => `overlap untold: ${each}`),
			...all("orphans").map((each) => `orphan: ${each}`),
			...all("away").map((each) => `not back: ${each}`),
			...all("stuck").map((each) => `stuck: ${each}`),
			...all("crashes").map((each) => `crash: ${each}`),
			...all("complaints").map((each) => `complaint: ${each}`),
		],
		slow: back.filter((ms) => ms > 10_000).map((ms) => `back only after ${Math.round(ms)} ms`),
	};
}

/** What the reports say, as Markdown. */
export function faultsTable(reports: readonly Report[]): string {
	const columns = [
		"runs",
		"grants",
		"stale writes",
		"tokens that fell",
		"overlaps untold",
		"overlaps that were told",
		"orphans",
		"back after ms, median",
		"longest",
	];
	const rows = reports.map(({ name, figures }) => [
		name.replace(/ \(.*/, ""),
		...columns.map((column) => figures[column] ?? "–"),
	]);
	return [["fault", ...columns], ["---", ...columns.map(() => "---:")], ...rows]
		.map((cells) => `| ${cells.join(" | ")} |`)
		.join("\n");
}

function killed(appendfsync: RedisOptions["appendfsync"], how: string): Fault {
	const options = appendfsync === undefined ? {} : { appendfsync };
	return onServer(
		`Redis killed, ${how}`,
		15,
		async (server) => {
			await server.kill();
			await passed(Math.random() * 2000);
			await server.restart();
		},
		options,
	);
}

async function stopped(server: RedisServer, ms: number): Promise<void> {
	server.stop();
	await passed(ms);
	server.resume();
}

function onServer(
	what: string,
	count: number,
	inject: (server: RedisServer) => Promise<void>,
	options: RedisOptions = {},
): Fault {
	return {
		what,
		count,
		async run(times, size) {
			await using server = await RedisServer.start({ ...options, tcp: true });
			return await sufferOften({ ...size, environment: { REDIS_URL: server.url } }, times, () => inject(server));
		},
	};
}

function onTeam(what: string, count: number, inject: (team: FaultsTeam) => Promise<void>): Fault {
	return {
		what,
		count,
		async run(times, size) {
			await using server = await RedisServer.start({ tcp: true });
			return await sufferOften({ ...size, environment: { REDIS_URL: server.url } }, times, inject);
		},
	};
}

async function failOver(times: number, size: TeamSize): Promise<readonly Outcome[]> {
	await using group = await RedisSentinels.start();
	const environment = { REDIS_SENTINELS: group.addresses, REDIS_SENTINEL_NAME: group.name };
	let isKill = false;
	return await sufferOften({ ...size, environment }, times, async () => {
		await group.whole();
		isKill = !isKill;
		const master = await group.master();
		if (isKill) await master.kill();
		else master.stop();
		await until(
			() => group.master(),
			(now) => now !== master,
		);
		if (isKill) await master.restart();
		else master.resume();
	});
}

function parted(what: string, trouble: Trouble): Fault {
	return {
		what,
		count: 5,
		isPossible: canPartition,
		async run(times, size) {
			await using server = await RedisServer.start();
			await using network = await Network.open(server.socket, size.machines);
			const options = {
				...size,
				environment: { REDIS_URL: network.url },
				judgesEnvironment: { REDIS_URL: server.url },
				namespaceOf: (machine: string) => network.namespaceOf(machine),
			};
			const [victim = ""] = size.machines;
			return await sufferOften(options, times, async () => {
				await network.trouble(victim, trouble);
				await passed(5000);
				await network.heal(victim);
			});
		},
	};
}

async function sufferOften(
	options: FaultsTeamOptions,
	times: number,
	inject: (team: FaultsTeam) => Promise<void>,
): Promise<readonly Outcome[]> {
	await using team = await FaultsTeam.start(options);
	const outcomes: Outcome[] = [];
	while (outcomes.length < times) {
		// Each third time a process dies with it.
		const isFatal = outcomes.length % 3 === 2;
		outcomes.push(
			await team.suffer(async () => {
				if (isFatal) await team.killOne();
				await inject(team);
			}),
		);
	}
	return outcomes;
}
