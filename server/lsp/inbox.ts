import { setImmediate as nextTurn } from "node:timers/promises";
import type { Message, MessageStrategy } from "vscode-languageserver/node";

// Each message goes through two queues of the library, one after the other, which go on in a turn of the event loop each.
const quietTurns = 10;

/**
 * What the editor said and nobody heard yet is in queues of the library, which forgets them when it is disposed of: the last words
 * of an editor that goes, a `shutdown` among them. The queues cannot be seen, only what comes out of them.
 */
export class Inbox implements MessageStrategy {
	#taken = 0;

	handleMessage(message: Message, next: Next): ReturnType<Next> {
		this.#taken += 1;
		return next(message);
	}

	/** Resolves when all has been heard that was read before. */
	async empty(): Promise<void> {
		let taken = -1;
		while (taken !== this.#taken) {
			taken = this.#taken;
			for (let turn = 0; turn < quietTurns; turn++) await nextTurn();
		}
	}
}

type Next = Parameters<MessageStrategy["handleMessage"]>[1];
