import { spawn } from "node:child_process";
import { constants } from "node:os";
import { ownEnvironment } from "./plumbing.ts";

interface Terminal {
	readonly directory: string;
	readonly environment: NodeJS.ProcessEnv;
	/** Aborts with the signal that was sent to this process. */
	readonly interrupted: AbortSignal;
}

/**
 * Runs git as its user would have: at this terminal, in their language. Answers its exit code, as a shell gives it, also when this
 * process is told to end: git is then, and may have an editor that does not think of it.
 */
export function runInForeground(
	{ directory, environment, interrupted }: Terminal,
	args: readonly string[],
): Promise<number> {
	return new Promise((resolve, reject) => {
		const child = spawn("git", args, { cwd: directory, env: ownEnvironment(environment), stdio: "inherit" });
		const passOn = (): void => {
			// Ctrl-C reaches git from the terminal itself.
			const signal = interrupted.reason as NodeJS.Signals;
			if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
		};
		interrupted.addEventListener("abort", passOn);
		if (interrupted.aborted) passOn();
		child.once("error", reject);
		child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
	});
}
