import { background } from "../coordination/background.ts";
import type { Claimed } from "../coordination/claim.ts";
import { showBlocker, showDuration, showText } from "../coordination/describe.ts";
import type { CommandName } from "./actions.ts";
import type { FileView } from "./diagnostics.ts";
import type { Editor } from "./editor.ts";
import type { FileLocks } from "./file-locks.ts";
import type { OpenFile } from "./open-file.ts";

// Longer than anybody stays at it: waiting ends by the cancel button, "stop waiting", or closing the file.
const waitMs = 12 * 3_600_000;

/** Does what a person chose, and tells how it went. Resolves at once for `udo.wait`: some editors stand still until it does. */
export async function runCommand(command: CommandName, file: OpenFile | undefined, editor: Editor): Promise<void> {
	const { view, locks } = file ?? {};
	if (file === undefined || view === undefined || locks === undefined) {
		editor.show("warning", "only an open file of a git repository can be locked");
		return;
	}
	const name = showText(view.path, 60);
	switch (command) {
		case "udo.acquire":
			return tell(editor, name, file, await locks.take("claim", { waitMs: 0 }));
		case "udo.takeOver": {
			const reason = `taken over from the editor by ${view.here.actor}`;
			return tell(editor, name, file, await locks.take("claim", { waitMs: 0, steal: { reason } }));
		}
		case "udo.release":
			editor.show("info", (await locks.giveUp()) ? `released ${name}` : `${name} was not locked by this editor`);
			return file.decided("gave up");
		case "udo.mergeTheirs": {
			const outcome = await file.mergeTheirs();
			if (outcome === "merged") editor.show("info", `merged what others did to ${name}; save it when it is right`);
			else if (outcome === "refused") editor.show("warning", `${name} is not merged: the editor refused the edit`);
			else editor.show("warning", `${name} is not merged: both changed the same lines, or too little is known`);
			return;
		}
		case "udo.wait":
			if (!locks.isWaiting) background(wait(editor, view, file, locks));
	}
}

async function wait(editor: Editor, view: FileView, file: OpenFile, locks: FileLocks): Promise<void> {
	const name = showText(view.path, 60);
	const holder = view.held[0]?.holder.actor;
	const shown = editor.progress(`udo: waiting for ${name}`);
	const cancel = new AbortController();
	const progress = await shown;
	progress.cancelled.addEventListener("abort", () => cancel.abort());
	if (holder !== undefined) progress.report(`held by ${showText(holder, 40)}`);
	try {
		const claimed = await locks.take("claim", {
			waitMs,
			signal: cancel.signal,
			onWaiting: ({ ahead, blockers: [blocker] }) => {
				const place = ahead === 0 ? "next in line" : `${ahead} ahead`;
				if (blocker !== undefined) progress.report(`${place}, held by ${showText(blocker.actor, 40)}`);
			},
		});
		if (claimed.ok || !claimed.aborted) tell(editor, name, file, claimed);
	} finally {
		progress.done();
	}
}

function tell(editor: Editor, name: string, file: OpenFile, claimed: Claimed): void {
	if (claimed.ok) file.decided("took");
	editor.show(claimed.ok ? "info" : "warning", outcome(name, claimed));
}

function outcome(name: string, claimed: Claimed): string {
	if (claimed.ok) {
		return `locked ${name}${claimed.waitedMs > 1000 ? ` after ${showDuration(claimed.waitedMs)}` : ""}`;
	}
	const { refusal } = claimed;
	switch (refusal.reason) {
		case "held": {
			const [blocker] = refusal.blockers;
			return blocker === undefined ? `${name} is not free` : showBlocker(blocker);
		}
		case "limit":
			return `${name} is not locked: ${refusal.held} of ${refusal.most} locks are taken`;
		default:
			return `${name} is not locked: the request was given up meanwhile`;
	}
}
