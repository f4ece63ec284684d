import { background } from "../coordination/background.ts";
import { livenessOf } from "../coordination/process.ts";
import type { Workspace } from "../workspace.ts";

/**
 * While an editor is open, this beats for every live session of this machine and frees what the dead ones left behind.
 * `onReturn` is called when our own session had ended meanwhile and was opened again.
 */
export function startHeartbeat(workspace: Workspace, onReturn: () => void): Disposable {
	const timer = setInterval(() => background(beat(workspace, onReturn)), workspace.config.heartbeatMs);
	timer.unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function beat({ store, config, coordinator, project }: Workspace, onReturn: () => void): Promise<void> {
	await coordinator.reap();
	const sessions = await store.sessions();
	const alive = sessions.filter(({ process }) => livenessOf(process) === "alive").map(({ id }) => id);
	await store.beat([...new Set(alive)], config.sessionTtlMs);
	if (sessions.some((session) => session.id === coordinator.session.id && session.project === project)) return;
	await coordinator.arrive();
	onReturn();
}
