import pRetry from "p-retry";

// 100 ms, 500 ms, 2 s (p-retry: minTimeout × factor^n, at most maxTimeout).
const patience = { retries: 3, minTimeout: 100, factor: 5, maxTimeout: 2000 };

/** Repeats what failed because of the network, after 100 ms, 500 ms and 2 s; then its last answer stands. */
export async function withPatience<Answer extends { readonly code: number; readonly stderr: string }>(
	ask: () => Promise<Answer>,
): Promise<Answer> {
	let last: Answer | undefined;
	try {
		return await pRetry(async () => {
			last = await ask();
			if (last.code !== 0 && isTransient(last.stderr)) throw new Error("the network failed");
			return last;
		}, patience);
	} catch (error) {
		if (last === undefined) throw error;
		return last;
	}
}

/** Whether what git said is about the network, and may be otherwise in a moment. */
export function isTransient(stderr: string): boolean {
	return transient.test(stderr);
}

/** Whether what git said means that the remote was not reached, or was lost in the middle. */
export function isUnreachable(stderr: string): boolean {
	if (/no space left on device|quota exceeded/i.test(stderr)) return false;
	return isTransient(stderr) || lost.test(stderr);
}

const lost =
	/could not read from remote|unable to access|does not appear to be a git|does not exist|transport '.*' not allowed/i;

const transient = new RegExp(
	[
		"could not resolve host",
		"temporary failure in name resolution",
		"connection (timed out|reset|refused|closed)",
		"operation timed out",
		"network is unreachable",
		"no route to host",
		"early eof",
		"remote end hung up",
		"unexpected disconnect",
		"rpc failed",
		"broken pipe",
		"kex_exchange_identification",
		"returned error: (5\\d\\d|429)",
		"tls (connection|handshake)",
		"recv failure",
		"empty reply from server",
	].join("|"),
	"i",
);
