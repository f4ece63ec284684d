import type { Sandbox } from "./sandbox.ts";
import { until } from "./until.ts";

interface StatusLock {
	readonly resource: string;
	readonly session: string;
	readonly origin: "claim" | "edit";
	readonly token: number;
}

export interface Status {
	readonly session: string;
	readonly locks: readonly StatusLock[];
	readonly waiters: readonly { readonly session: string }[];
	readonly sessions: readonly {
		readonly id: string;
		readonly kind: string;
		readonly actor: string;
		readonly pid: number;
		readonly branch?: string;
	}[];
	readonly presence: readonly {
		readonly path: string;
		readonly unsaved: boolean;
		readonly line?: number;
		readonly session: string;
	}[];
}

/** What an onlooker sees in `udo status`. */
export function statusOf(sandbox: Sandbox): Promise<Status> {
	return sandbox.data<Status>(["status"], { as: "onlooker" });
}

/** Polls until exactly these are locked, written `src/a.ts edit`. */
export async function untilLocked(sandbox: Sandbox, ...wanted: string[]): Promise<Status> {
	const text = JSON.stringify(wanted.sort());
	return until(
		() => statusOf(sandbox),
		({ locks }) =>
			text ===
			JSON.stringify(locks.map(({ resource, origin }) => `${resource.replace(/^file:/, "")} ${origin}`).sort()),
	);
}
