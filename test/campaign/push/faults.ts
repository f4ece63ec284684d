import type { Clones } from "../../push/clones.ts";

/** The subjects of what each of them commits, `alice alice1.txt` and so on. */
export function expected(who: readonly string[], commits: number): readonly string[] {
	return who.flatMap((name) => Array.from({ length: commits }, (_, n) => `${name} ${name}${n + 1}.txt`));
}

/** What is wrong after these clones have pushed: with the remote's branch, with their order, with what they are left with. */
export async function faultsOf(
	clones: Clones,
	who: readonly string[],
	wanted: readonly string[],
): Promise<readonly string[]> {
	const wrong: string[] = [];
	const there = await clones.landed();
	if (JSON.stringify([...there].sort()) !== JSON.stringify([...wanted].sort()))
		wrong.push(`landed: ${there.join(", ")}`);
	for (const name of who) {
		const mine = there.filter((subject) => subject.startsWith(name));
		if (JSON.stringify(mine) !== JSON.stringify([...mine].sort())) wrong.push(`out of order: ${mine}`);
		const status = await clones.run(name, "git status --porcelain");
		if (status !== "") wrong.push(`${name} is left with ${status}`);
	}
	await clones.check(...who).catch((error: unknown) => wrong.push(String(error)));
	return wrong;
}
