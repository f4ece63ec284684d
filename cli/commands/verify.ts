import type { Command } from "commander";
import { preReceive } from "../../hooks/pre-receive.ts";
import type { Pusher } from "../../hooks/pusher.ts";
import { refusedExitCode, type Verdict } from "../../hooks/verdict.ts";
import { showText } from "../../server/coordination/describe.ts";
import { describeLink } from "../../server/coordination/describe-link.ts";
import { sessionOf } from "../../server/coordination/identity.ts";
import { ancestry, identifyProcess } from "../../server/coordination/process.ts";
import { parseSessionId } from "../../server/coordination/session.ts";
import { StoreUnavailableError, UdoError, UsageError } from "../../server/errors.ts";
import type { BranchUpdate } from "../../server/git/pushed/changes.ts";
import { pushedProjects } from "../../server/git/pushed/project.ts";
import { PushedRepository } from "../../server/git/pushed/repository.ts";
import { shortRef } from "../../server/git/ref.ts";
import { type Onlooker, openOnlooker } from "../../server/onlooker.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Cli } from "../command.ts";
import { readInput } from "../input.ts";

// Each refusal is three lines of what whoever pushes gets to see.
const mostRefusals = 5;

interface Options {
	readonly stdin?: true;
	readonly branch?: string;
	readonly by?: string;
	readonly actor?: string;
}

export function define(command: Command, cli: Cli): void {
	command
		.argument("[range]", "OLD..NEW: what a branch was at, and what it is to be at")
		.option("--stdin", "read the updates as git gives them to a pre-receive hook: OLD NEW REF, one a line")
		.option("--branch <name>", "the branch that the range is about")
		.option("--by <session>", "the session that pushes")
		.option("--actor <name>", "the person or agent that pushes")
		.addHelpText(
			"after",
			`
Who pushes may change what is locked by themselves. That is --by or --actor, else UDO_SESSION, else the session of the terminal
that started this, else UDO_ACTOR; without any of these it is whoever committed: the committer's e-mail address is compared with
the actor of the lock (git's user.email, unless UDO_ACTOR says otherwise). In a batch of udo push each commit is its own session's.

Exit code 4 refuses. When udo itself fails it is 0 with a line on stderr, with UDO_STRICT=1 it is 6.`,
		)
		.action(cli.action((range: string | undefined, options: Options) => verify(cli, range, options)));
}

async function verify(cli: Cli, range: string | undefined, options: Options): Promise<number> {
	const given = givenPusher(options);
	if ((range === undefined) === (options.stdin === undefined)) {
		throw new UsageError("what was pushed is either a range or on standard input", {
			next: "udo verify OLD..NEW --branch NAME, or udo verify --stdin in a pre-receive hook",
		});
	}
	if (options.stdin === true && options.branch !== undefined) throw new UsageError("--branch goes with a range");
	try {
		const repository = await PushedRepository.open(cli.directory, cli.environment);
		const updates =
			range === undefined
				? readUpdates((await readInput()).toString())
				: [await readRange(repository, range, options.branch)];
		return report(cli, options, updates, await judgeAll(cli, repository, updates, given));
	} catch (error) {
		if (error instanceof UsageError || (error instanceof UdoError && error.code === unknownCommit)) throw error;
		return passUnverified(cli, error);
	}
}

function givenPusher({ by, actor }: Options): Pusher | undefined {
	if (by !== undefined && actor !== undefined) throw new UsageError("--by and --actor both say who pushes");
	if (actor !== undefined) return { kind: "actor", actor };
	if (by === undefined) return undefined;
	const id = parseSessionId(by);
	if (id !== undefined) return { kind: "session", id };
	throw new UsageError(`${showText(JSON.stringify(by), 80)} is not a session name`, { next: "udo status" });
}

function readUpdates(text: string): readonly BranchUpdate[] {
	return text.split("\n").flatMap((line) => {
		const [, before = "", after = "", branch] =
			/^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) refs\/heads\/(.+)$/.exec(line) ?? [];
		// Tags and what lies in other corners of a repository nobody locks.
		return branch === undefined ? [] : [{ branch, before: unlessZero(before), after: unlessZero(after) }];
	});
}

async function readRange(repository: PushedRepository, range: string, name: string | undefined): Promise<BranchUpdate> {
	const [, from = "", to = ""] = /^(.+?)\.\.([^.].*)$/s.exec(range) ?? [];
	if (from === "") {
		throw new UsageError(`${showText(JSON.stringify(range), 80)} is not a range`, { next: "udo verify OLD..NEW" });
	}
	const branch = name && shortRef(name);
	const [before, after] = await Promise.all([from, to].map((word) => commitOf(repository, word)));
	if (before === undefined && branch === undefined) {
		throw new UsageError("what is new on a new branch depends on which it is", {
			next: `udo verify ${shellWord(range)} --branch NAME`,
		});
	}
	return { branch, before, after };
}

async function commitOf(repository: PushedRepository, word: string): Promise<string | undefined> {
	if (unlessZero(word) === undefined) return undefined;
	const commit = await repository.commit(word);
	if (commit !== undefined) return commit;
	throw new UdoError(`${showText(JSON.stringify(word), 120)} is no commit here`, {
		code: unknownCommit,
		why: "a shallow clone does not have what was there before.",
		next: "git fetch --unshallow, or check the spelling",
	});
}

const unknownCommit = "commit_unknown";

function unlessZero(id: string): string | undefined {
	return /^0{40,64}$/.test(id) ? undefined : id;
}

async function judgeAll(
	{ environment, output }: Cli,
	repository: PushedRepository,
	updates: readonly BranchUpdate[],
	given: Pusher | undefined,
): Promise<Verdict> {
	const verdicts: Verdict[] = [];
	for (const project of await pushedProjects(repository, updates)) {
		await using onlooker = await openOnlooker(project, environment);
		const pusher = given ?? (await findPusher(onlooker, environment));
		const verdict = await preReceive(repository, onlooker, updates, pusher);
		verdicts.push(verdict);
		await log(onlooker, pusher, verdict);
		const link = onlooker.store.link();
		const degraded = describeLink(link);
		if (link !== undefined && link.state !== "connected" && verdicts.every(({ refusals }) => refusals.length === 0)) {
			throw new StoreUnavailableError(degraded ?? "the team's Redis is away", { next: "udo doctor" });
		}
		if (degraded !== undefined) output.note(`udo: ${degraded}`);
	}
	return {
		refusals: verdicts.flatMap(({ refusals }) => refusals),
		warnings: verdicts.flatMap(({ warnings }) => warnings),
		refused: verdicts.flatMap(({ refused }) => refused),
	};
}

// A refusal stands, whatever comes of the log.
async function log({ store, project }: Onlooker, pusher: Pusher, { refused }: Verdict): Promise<void> {
	if (refused.length === 0) return;
	const from = {
		session: pusher.kind === "session" ? pusher.id : undefined,
		actor: pusher.kind === "actor" ? pusher.actor : undefined,
	};
	const entry = { type: "guard_refused", hook: "udo verify", paths: refused.slice(0, 100) } as const;
	await store.append(project, from, entry).catch(() => {});
}

async function findPusher({ store }: Onlooker, environment: NodeJS.ProcessEnv): Promise<Pusher> {
	const { UDO_SESSION: named = "", UDO_ACTOR: actor = "" } = environment;
	const id = parseSessionId(named);
	if (id !== undefined) return { kind: "session", id };
	const sessions = await store.sessions();
	for (const { pid } of ancestry(process.pid)) {
		const identity = identifyProcess(pid);
		const session = identity && sessionOf(identity, sessions);
		if (session !== undefined) return { kind: "session", id: session.id };
	}
	return actor === "" ? { kind: "committers" } : { kind: "actor", actor };
}

function report(cli: Cli, { stdin }: Options, updates: readonly BranchUpdate[], verdict: Verdict): number {
	const { refusals, warnings, refused } = verdict;
	if (cli.output.json) {
		const told = refusals.map(({ message, why, next }) => ({
			message: showText(message, 2000),
			why: showText(why ?? "", 2000),
			next: showText(next ?? "", 2000),
		}));
		const data = { accepted: refusals.length === 0, updates, refused, refusals: told, warnings };
		cli.output.result("verify", data, []);
		return refusals.length === 0 ? 0 : refusedExitCode;
	}
	for (const warning of warnings) cli.output.note(`udo: ${warning}`);
	for (const refusal of refusals.slice(0, mostRefusals)) cli.output.failure(refusal);
	if (refusals.length > mostRefusals) cli.output.note(`udo: and ${refusals.length - mostRefusals} more`);
	if (refusals.length > 0) return refusedExitCode;
	// What a hook says everybody who pushes gets to read.
	if (stdin === undefined) cli.output.result("verify", {}, ["nothing in it is locked by others"]);
	return 0;
}

function passUnverified(cli: Cli, error: unknown): number {
	const isStrict = cli.environment["UDO_STRICT"] === "1";
	const what = error instanceof Error ? error.message : String(error);
	const next = error instanceof UdoError && error.next !== undefined ? error.next : "udo doctor";
	if (isStrict) {
		return cli.output.failure(
			new StoreUnavailableError("what is pushed could not be checked", { why: showText(what), next, cause: error }),
		);
	}
	if (cli.output.json) cli.output.result("verify", { accepted: true, unchecked: showText(what) }, []);
	process.stderr.write(`udo: ${showText(what)}; what is pushed was not checked (next: ${showText(next)})\n`);
	return 0;
}
