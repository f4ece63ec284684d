import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { describeEvent, showWhen } from "../../server/coordination/describe-event.ts";
import { type EventType, eventTypes, type UdoEvent } from "../../server/coordination/event.ts";
import { parseSessionId } from "../../server/coordination/session.ts";
import { UsageError } from "../../server/errors.ts";
import type { Cli } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { collect } from "../resources.ts";

interface Options {
	readonly session?: string;
	readonly actor?: string;
	readonly type?: readonly string[];
	readonly path?: string;
	readonly since?: string;
	readonly number: string;
}

export function define(command: Command, cli: Cli): void {
	command
		.option("-n, --number <count>", "how many of the newest entries", "50")
		.option("--session <id>", "only this session")
		.option("--actor <name>", "only this person or agent")
		.option("--type <type>", `only this; may be given again: ${eventTypes.join(", ")}`, collect)
		.option("--path <text>", "only what names a path, branch or database with this in it")
		.option("--since <duration>", "only the last, such as 2h")
		.action(cli.action((options: Options) => log(cli, options)));
}

async function log(cli: Cli, options: Options): Promise<number> {
	const most = Number(options.number);
	if (!Number.isInteger(most) || most < 1) throw new UsageError(`--number ${options.number} is not a count`);
	const types = options.type?.map(checkType);
	const session = options.session === undefined ? undefined : parseSessionId(options.session);
	if (options.session !== undefined && session === undefined)
		throw new UsageError(`--session ${showText(options.session)} is not a session`);
	const sinceMs = options.since === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.since, "--since");
	const { store, project } = await cli.open();
	const now = Date.now();
	const isWanted = (event: UdoEvent): boolean =>
		now - event.at <= sinceMs &&
		(options.actor === undefined || event.actor === options.actor) &&
		(options.path === undefined || places(event).some((place) => place.includes(options.path ?? "")));
	const newest: UdoEvent[] = [];
	for (let before: number | undefined; newest.length < most; ) {
		const page = await store.newestEvents({
			project,
			limit: 1000,
			...(before !== undefined && { before }),
			...(types && { types }),
			...(session && { session }),
		});
		newest.push(...page.filter(isWanted));
		const oldest = page.at(-1);
		if (oldest === undefined || now - oldest.at > sinceMs) break;
		before = oldest.seq;
	}
	const events = newest.slice(0, most).reverse();
	const rows = events.map((event) => [
		showWhen(event.at, now),
		showText(event.actor ?? "", 40),
		showText(event.session ?? "", 64),
		describeEvent(event),
	]);
	cli.output.result("log", { events }, rows.length === 0 ? ["nothing that matches"] : cli.output.table(rows));
	return 0;
}

function checkType(typed: string): EventType {
	const type = eventTypes.find((known) => known === typed);
	if (type !== undefined) return type;
	throw new UsageError(`there is no event ${showText(typed, 40)}`, { why: `known: ${eventTypes.join(", ")}.` });
}

function places(event: UdoEvent): readonly string[] {
	if ("resources" in event) return event.resources;
	if ("resource" in event) return [event.resource];
	if ("paths" in event) return event.paths;
	return "path" in event ? [event.path] : [];
}
