import type { PushedCommit } from "../../coordination/push/ticket.ts";
import type { Plumbing } from "../plumbing.ts";
import type { Settings } from "../settings.ts";

/** Takes the notes of replayed commits along, when the settings say that a rebase does so. */
export async function copyNotes(git: Plumbing, settings: Settings, commits: readonly PushedCommit[]): Promise<void> {
	if (settings.all("notes.rewriteref").length === 0) return;
	const input = commits.map(({ from, to }) => (to === undefined || to === from ? "" : `${from} ${to}\n`)).join("");
	if (input !== "") await git.run(["notes", "copy", "--for-rewrite=rebase"], { input });
}
