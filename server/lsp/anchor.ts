import { thisProcess } from "../coordination/coordinator.ts";
import type { Anchor } from "../coordination/identity.ts";
import { identifyProcess, livenessOf } from "../coordination/process.ts";

const lookMs = 3000;

/** The editor that this server's session lives and dies with: what it says it is, else the process that started us. */
export function findEditor(processId: number | null): Anchor {
	const said = processId === null ? undefined : identifyProcess(processId);
	const editor = said ?? identifyProcess(process.ppid) ?? thisProcess();
	return { kind: "edit", process: editor, agent: undefined };
}

/** Calls back when the editor died while something else keeps our stdin open. */
export function whenGone(anchor: Anchor, onGone: () => void): Disposable {
	const timer = setInterval(() => {
		if (livenessOf(anchor.process) === "dead") onGone();
	}, lookMs);
	timer.unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
