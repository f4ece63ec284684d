import type { Plumbing } from "../plumbing.ts";

/** Whether a ref was moved, and what git or a hook said when it was not. */
export type RefMoved = { readonly ok: true } | { readonly ok: false; readonly words: string };

/**
 * Moves a ref from one commit to another together with something else: git makes sure first that it may be moved, nobody else
 * can move it while `body` runs, and it only moves when `body` answers that it is done.
 */
export async function moveRefWith(
	git: Plumbing,
	move: { readonly ref: string; readonly from: string; readonly to: string; readonly message: string },
	body: () => Promise<RefMoved>,
): Promise<RefMoved> {
	// What udo moves has its turn already: its own hook is not asked again, the user's are.
	const environment = { UDO_MOVES: "1" };
	const child = git.start(["update-ref", "-m", move.message, "--stdin"], { environment });
	let said = "";
	let complaint = "";
	let hear: () => void = () => {};
	const ended = new Promise<number>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (code) => resolve(code ?? 128));
	});
	const prepared = new Promise<boolean>((resolve) => {
		hear = () => said.includes("prepare: ok\n") && resolve(true);
		ended.then(
			() => resolve(false),
			() => resolve(false),
		);
	});
	child.stdin.on("error", () => {});
	child.stderr.on("data", (chunk: Buffer) => {
		complaint += chunk;
	});
	child.stdout.on("data", (chunk: Buffer) => {
		said += chunk;
		hear();
	});
	child.stdin.write(`start\nupdate ${move.ref} ${move.to} ${move.from}\nprepare\n`);
	if (!(await prepared)) {
		await ended;
		return { ok: false, words: complaint };
	}
	const done = await body().catch((error: unknown): RefMoved => ({ ok: false, words: String(error) }));
	child.stdin.end(done.ok ? "commit\n" : "abort\n");
	const code = await ended;
	return done.ok && code !== 0 ? { ok: false, words: complaint } : done;
}
