import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { describeEvent } from "../../server/coordination/describe-event.ts";
import type { UdoEvent } from "../../server/coordination/event.ts";
import { startHeartbeat } from "../../server/coordination/heartbeat.ts";
import type { Cli } from "../command.ts";

const pageSize = 500;

export function define(command: Command, cli: Cli): void {
	command
		.addHelpText("after", "\nWith --json every event is one JSON object a line. Ends with Ctrl-C.")
		.action(cli.action(() => watch(cli)));
}

async function watch(cli: Cli): Promise<number> {
	const { coordinator, store, project } = await cli.open();
	const { interrupted, output } = cli;
	using _heartbeat = startHeartbeat(coordinator);
	let seen = await store.lastEvent(project);
	let ring: () => void = () => {};
	interrupted.addEventListener("abort", () => ring());
	using _bell = store.onChange(() => ring());
	// Neither the bell nor the heartbeat keeps a process alive.
	using _alive = keepAlive();
	output.note(output.dim("watching; Ctrl-C ends"));
	while (!interrupted.aborted) {
		// Listens before it reads: what happens while it reads rings for the next round.
		const rung = new Promise<void>((resolve) => {
			ring = resolve;
		});
		const events = await store.events({ project, after: seen, limit: pageSize });
		for (const event of events) output.line(event, showEvent(event));
		seen = events.at(-1)?.seq ?? seen;
		if (events.length < pageSize && !interrupted.aborted) await rung;
	}
	return 0;
}

function keepAlive(): Disposable {
	const timer = setInterval(() => {}, 1 << 30);
	return { [Symbol.dispose]: () => clearInterval(timer) };
}

function showEvent(event: UdoEvent): string {
	const who = event.actor ?? event.session ?? "somebody";
	return `${new Date(event.at).toTimeString().slice(0, 8)}  ${showText(who, 40)}  ${describeEvent(event)}`;
}
