import { background } from "./background.ts";
import type { Coordinator } from "./coordinator.ts";
import { livenessOf } from "./process.ts";

/**
 * Beats for every live session of this machine, and frees what dead ones left, every `config.heartbeatMs`. Whatever lives
 * long does this: a terminal in which nobody types has no process of its own that could.
 */
export function startHeartbeat(coordinator: Coordinator): Disposable {
	const timer = setInterval(() => background(beat(coordinator)), coordinator.config.heartbeatMs);
	timer.unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function beat(coordinator: Coordinator): Promise<void> {
	const sessions = await coordinator.store.sessions();
	const living = sessions.filter((session) => livenessOf(session.process) === "alive").map(({ id }) => id);
	await coordinator.store.beat(living, coordinator.config.sessionTtlMs);
	await coordinator.reap();
}
