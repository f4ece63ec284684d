import type { PushedCommit } from "../../coordination/push/ticket.ts";
import type { Plumbing } from "../plumbing.ts";
import type { Settings } from "../settings.ts";

/** Takes the notes of replayed commits along, when the settings say that a rebase does so. Answers what git said when it could not. */
export async function copyNotes(
	git: Plumbing,
	settings: Settings,
	commits: readonly PushedCommit[],
): Promise<string | undefined> {
	if (settings.all("notes.rewriteref").length === 0) return undefined;
	const input = commits.map(({ from, to }) => (to === undefined || to === from ? "" : `${from} ${to}\n`)).join("");
	if (input === "") return undefined;
	const { code, stderr } = await git.run(["notes", "copy", "--for-rewrite=rebase"], { input });
	return code === 0 ? undefined : stderr.trim();
}
