import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process that cannot be mistaken for a later one with the same pid: start time, boot and pid namespace go with it. */
export interface ProcessIdentity {
	readonly pid: number;
	readonly started: string;
	readonly boot: string;
	readonly space: string;
}

/** One row of the process table, as much as udo looks at. `terminal` is false without a controlling terminal. */
export interface ProcessEntry {
	readonly pid: number;
	readonly parent: number;
	readonly leader: number;
	readonly terminal: boolean;
	readonly state: string;
	readonly started: string;
	readonly name: string;
}

/** `unknown` when the process lives where this one cannot look: another boot, host or pid namespace. */
export type Liveness = "alive" | "dead" | "unknown";

/** The identity of a live process of this machine, or undefined when there is none with that pid. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
	const entry = readProcess(pid);
	if (entry === undefined || entry.state === "Z") return undefined;
	return { pid, started: entry.started, ...machine() };
}

/** Whether exactly that process still runs. A zombie is dead; a reused pid is dead. */
export function livenessOf(identity: ProcessIdentity): Liveness {
	const { boot, space } = machine();
	if (identity.boot !== boot || identity.space !== space) return "unknown";
	const entry = readProcess(identity.pid);
	return entry !== undefined && entry.state !== "Z" && entry.started === identity.started ? "alive" : "dead";
}

/** Whether exactly that process has been stopped, by Ctrl-Z for instance, and does nothing until it is continued. */
export function isStopped(identity: ProcessIdentity): boolean {
	if (livenessOf(identity) !== "alive") return false;
	return /^[Tt]/.test(readProcess(identity.pid)?.state ?? "");
}

/** The name of this machine as others see it. */
export function thisHost(): string {
	return hostname();
}

/** The process, its parent, and so on up to but without pid 1. */
export function ancestry(pid: number): ProcessEntry[] {
	const chain: ProcessEntry[] = [];
	for (let next = pid; next > 1 && chain.length < 64; ) {
		const entry = readProcess(next);
		if (entry === undefined) break;
		chain.push(entry);
		next = entry.parent;
	}
	return chain;
}

/** The command line of a process; nothing when it cannot be read. Where there is no /proc, words with spaces come as several. */
export function argumentsOf(pid: number): readonly string[] {
	try {
		if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
		return execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" })
			.trim()
			.split(/\s+/);
	} catch {
		return [];
	}
}

/** The current boot of this machine; pids and monotonic times of another boot mean nothing. */
export function currentBoot(): string {
	return machine().boot;
}

let cachedMachine: { readonly boot: string; readonly space: string } | undefined;

function machine(): { readonly boot: string; readonly space: string } {
	cachedMachine ??= { boot: readBoot(), space: readNamespace() };
	return cachedMachine;
}

function readBoot(): string {
	try {
		return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
	} catch {
		return `host-${thisHost()}`;
	}
}

// Containers that share a state directory share the boot but not the pids.
function readNamespace(): string {
	try {
		return readlinkSync("/proc/self/ns/pid");
	} catch {
		return "";
	}
}

function readProcess(pid: number): ProcessEntry | undefined {
	return process.platform === "linux" ? readProc(pid) : readPs(pid);
}

// proc(5): the name stands in parentheses and may itself contain spaces and parentheses.
function readProc(pid: number): ProcessEntry | undefined {
	let text: string;
	try {
		text = readFileSync(`/proc/${pid}/stat`, "utf8");
	} catch {
		return undefined;
	}
	const close = text.lastIndexOf(")");
	const fields = text.slice(close + 2).split(" ");
	return {
		pid,
		name: text.slice(text.indexOf("(") + 1, close),
		state: fields[0] ?? "",
		parent: Number(fields[1]),
		leader: Number(fields[3]),
		terminal: fields[4] !== "0",
		started: fields[19] ?? "",
	};
}

function readPs(pid: number): ProcessEntry | undefined {
	let line: string;
	try {
		line = execFileSync("ps", ["-o", "ppid=,sess=,tty=,stat=,lstart=,comm=", "-p", String(pid)], {
			encoding: "utf8",
			stdio: ["ignore", "pipe", "ignore"],
		}).trim();
	} catch {
		return undefined;
	}
	const [parent, leader, tty, state, ...rest] = line.split(/\s+/);
	return {
		pid,
		parent: Number(parent),
		leader: Number(leader),
		terminal: tty !== "??" && tty !== "?",
		state: state?.[0] ?? "",
		started: rest.slice(0, 5).join(" "),
		name: rest.slice(5).join(" "),
	};
}
