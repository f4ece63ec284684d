import { identifyProcess, type ProcessEntry, type ProcessIdentity } from "./process.ts";
import { isNamedAfter, type Session, type SessionKind } from "./session.ts";

/** The process that a session lives and dies with: the shell that leads a terminal, an editor, an agent. */
export interface Anchor {
	readonly kind: SessionKind;
	readonly process: ProcessIdentity;
	/** Which agent it is, such as `claude-code`. */
	readonly agent: string | undefined;
}

/**
 * The process that the session of this process is anchored to. `chain` is the process table from this process upwards (see
 * `ancestry`). Going up, the first of these decides: a process that a session registered, an agent, the shell that leads a
 * terminal of its own. Where there is no terminal (a service, a CI job), or this process was cut loose from it (`&` in a
 * subshell that ended), it is the leader of its session in the sense of setsid(2), else the topmost ancestor in that.
 */
export function findAnchor(
	chain: readonly ProcessEntry[],
	sessions: readonly Session[],
	agent: string | undefined,
): Anchor {
	const [self, ...ancestors] = chain;
	for (const entry of ancestors) {
		const identity = identifyProcess(entry.pid);
		if (identity === undefined) continue;
		const session = sessionOf(identity, sessions);
		if (session !== undefined) return { kind: session.kind, process: identity, agent: undefined };
		const known = agentNames.get(entry.name);
		if (known !== undefined) return { kind: "agent", process: identity, agent: known };
		if (entry.terminal && entry.leader === entry.pid) return terminal(identity, agent);
	}
	const topmost = ancestors.findLast((entry) => entry.leader === self?.leader) ?? ancestors[0] ?? self;
	const leader = self?.leader === self?.pid ? undefined : identifyProcess(self?.leader ?? 0);
	const identity = leader ?? identifyProcess(topmost?.pid ?? 0);
	if (identity === undefined) throw new Error("this process has no ancestor that lives");
	return terminal(identity, agent);
}

/** The session that exactly this process registered. One that was named by UDO_SESSION is only found by its name. */
export function sessionOf(process: ProcessIdentity, sessions: readonly Session[]): Session | undefined {
	return sessions.find(
		(session) =>
			processKey(session.process) === processKey(process) && isNamedAfter(session.id, session.kind, process.pid),
	);
}

// An agent whose own process could not be told by its name still says so in the environment.
function terminal(process: ProcessIdentity, agent: string | undefined): Anchor {
	return { kind: agent === undefined ? "term" : "agent", process, agent };
}

/** The agents that are known by the name of their process, as the kernel shows it (cut to 15 characters). */
export const agentNames: ReadonlyMap<string, string> = new Map([
	["claude", "claude-code"],
	["codex", "codex"],
	["gemini", "gemini"],
	["cursor-agent", "cursor"],
	["opencode", "opencode"],
	["aider", "aider"],
	["goose", "goose"],
]);

function processKey({ pid, started, boot, space }: ProcessIdentity): string {
	return `${pid} ${started} ${boot} ${space}`;
}
