import type { Command } from "commander";
import { openConflicts } from "../../server/conflicts.ts";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { showDuration, showKind, showText } from "../../server/coordination/describe.ts";
import { describeLink } from "../../server/coordination/describe-link.ts";
import type { Lock, Waiter } from "../../server/coordination/lock.ts";
import type { Presence } from "../../server/coordination/presence.ts";
import { describeResource, resourceKey } from "../../server/coordination/resource.ts";
import type { Session } from "../../server/coordination/session.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import type { Output } from "../output.ts";

export function define(command: Command, cli: Cli): void {
	command.action(cli.action(() => status(cli)));
}

async function status(cli: Cli): Promise<number> {
	const workspace = await cli.open();
	const { coordinator, store, project, repository } = workspace;
	await coordinator.reap();
	const before = store.link()?.state;
	let view = await look(workspace, cli.environment);
	// What was seen while Redis went away or came back is half one state and half the other.
	if (store.link()?.state !== before) view = await look(workspace, cli.environment);
	const counters = cli.output.json ? await store.counters() : undefined;
	const link = store.link();
	const degraded = describeLink(link);
	const data = {
		project,
		worktree: repository.worktree,
		store: store.kind,
		...(link && { link }),
		...forJson(view),
		counters,
	};
	cli.output.result("status", data, [
		...(degraded === undefined ? [] : [degraded]),
		...sessionLines(cli.output, view, link === undefined || link.state === "connected"),
		...lockLines(cli.output, view),
		...waiterLines(cli.output, view),
		...conflictLines(cli.output, view),
	]);
	return 0;
}

interface View {
	readonly me: string;
	readonly sessions: readonly Session[];
	readonly locks: readonly Lock[];
	readonly waiters: readonly Waiter[];
	readonly conflicts: readonly Conflict[];
	readonly presence: readonly Presence[];
}

async function look(workspace: Workspace, environment: Cli["environment"]): Promise<View> {
	const { coordinator, store, project } = workspace;
	return {
		me: coordinator.session.id,
		sessions: await store.sessions(project),
		locks: await store.locks(project),
		waiters: await store.waiters(project),
		conflicts: await openConflicts(workspace, environment),
		presence: await store.presence(project),
	};
}

function forJson({ me, sessions, locks, waiters, conflicts, presence }: View): object {
	return {
		session: me,
		sessions: sessions.map(({ process, ...session }) => ({ ...session, pid: process.pid })),
		locks: locks.map(({ resource, holds, ...lock }) => ({ resource: resourceKey(resource), ...lock })),
		waiters: waiters.map(({ resources, owner, ...waiter }) => ({ resources: resources.map(resourceKey), ...waiter })),
		conflicts,
		presence,
	};
}

function sessionLines(output: Output, { me, sessions, presence }: View, isWhole: boolean): string[] {
	const hosts = new Set(sessions.map(({ host }) => host));
	const rows = sessions.map((session) => {
		const open = presence.filter((place) => place.session === session.id);
		const unsaved = open.filter((place) => place.unsaved).length;
		return [
			session.id === me ? "*" : " ",
			showText(session.id, 64),
			showKind(session.kind),
			showText(session.actor, 40) + (hosts.size > 1 ? ` on ${showText(session.host, 40)}` : ""),
			session.branch === undefined ? "(detached)" : showText(session.branch, 40),
			session.role === "primary" ? "primary" : "",
			open.length === 0 ? "" : `${open.length} open${unsaved > 0 ? `, ${unsaved} unsaved` : ""}`,
		];
	});
	const count = sessions.length === 1 ? "1 session" : `${sessions.length} sessions`;
	const alone = sessions.length === 1 ? `${count}, you alone` : count;
	const title = isWhole ? alone : `${count} on this machine; the team's cannot be seen`;
	return [output.bold(title), ...output.table(rows).map((line) => line.trimEnd())];
}

function lockLines(output: Output, { me, sessions, locks }: View): string[] {
	if (locks.length === 0) return [output.dim("no locks")];
	const rows = locks.map((lock) => [
		lock.session === me ? "*" : " ",
		showText(describeResource(lock.resource), 80),
		lock.session === me ? "you" : showText(sessions.find(({ id }) => id === lock.session)?.actor ?? "", 40),
		showText(lock.session, 64),
		(lock.origin === "edit" ? "editing" : "locked") + (lock.isLocalOnly ? " (this machine only)" : ""),
		`for ${showDuration(lock.ageMs)}`,
		`${showDuration(lock.leftMs)} left${lock.count > 1 ? `, taken ${lock.count} times` : ""}`,
	]);
	return [output.bold(locks.length === 1 ? "1 lock" : `${locks.length} locks`), ...output.table(rows)];
}

function waiterLines(output: Output, { me, sessions, waiters }: View): string[] {
	if (waiters.length === 0) return [];
	const rows = waiters.map((waiter, i) => [
		waiter.session === me ? "*" : " ",
		`${i + 1}.`,
		showText(sessions.find(({ id }) => id === waiter.session)?.actor ?? "", 40),
		showText(waiter.session, 64),
		`waits for ${showText(waiter.resources.map(describeResource).join(", "), 120)}`,
		`since ${showDuration(waiter.ageMs)}`,
	]);
	return [output.bold(waiters.length === 1 ? "1 waiting" : `${waiters.length} waiting`), ...output.table(rows)];
}

function conflictLines(output: Output, { conflicts }: View): string[] {
	if (conflicts.length === 0) return [];
	const lines = conflicts.flatMap((conflict) => [
		`  ${conflict.id}  ${conflict.type}  ${showText(conflict.summary)}  (${showDuration(conflict.ageMs)} ago)`,
		`    next: ${showText(conflict.next)}`,
	]);
	return [output.bold(conflicts.length === 1 ? "1 conflict" : `${conflicts.length} conflicts`), ...lines];
}
