import { background } from "./background.ts";
import type { Coordinator } from "./coordinator.ts";
import { supersedeFreed } from "./lock-conflict.ts";
import { livenessOf } from "./process.ts";

/**
 * Beats for every live session of this machine, and frees what dead ones left, every `config.heartbeatMs`. Whatever lives
 * long does this: a terminal in which nobody types has no process of its own that could. `onReturn` is called when this
 * session itself had ended meanwhile and was opened again.
 */
export function startHeartbeat(coordinator: Coordinator, onReturn: () => void = () => {}): Disposable {
	const timer = setInterval(() => background(beat(coordinator, onReturn)), coordinator.config.heartbeatMs);
	timer.unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function beat(coordinator: Coordinator, onReturn: () => void): Promise<void> {
	const { config, project, session, store } = coordinator;
	await coordinator.reap();
	await supersedeFreed(coordinator);
	const sessions = await store.sessions();
	const living = sessions.filter(({ process }) => livenessOf(process) === "alive").map(({ id }) => id);
	await store.beat([...new Set(living)], config.sessionTtlMs);
	if (sessions.some((open) => open.id === session.id && open.project === project)) return;
	await coordinator.arrive();
	onReturn();
}
