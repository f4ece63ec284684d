import { showText } from "../coordination/describe.ts";
import { describeLink } from "../coordination/describe-link.ts";
import type { Link } from "../coordination/link.ts";
import { StoreUnavailableError, UdoError } from "../errors.ts";
import type { Editor } from "./editor.ts";

// A hiccup is no news for a person.
const hiccupMs = 1500;

/**
 * Where the server's failures go. None of them ends it, and none is told twice: an outage of the store is one line in the
 * log and one message, however many steps fail during it.
 */
export class Outage {
	readonly #editor: Editor;
	readonly #told = new Set<string>();
	readonly #away = new Set<string>();
	#isOut = false;

	constructor(editor: Editor) {
		this.#editor = editor;
	}

	report(error: unknown): void {
		if (error instanceof StoreUnavailableError) {
			if (this.#isOut) return;
			this.#isOut = true;
			this.#editor.log("error", sentences(error));
			this.#editor.show("warning", `${error.message}; nothing is coordinated until it is back`);
			return;
		}
		const text = error instanceof UdoError ? sentences(error) : `a bug in udo: ${stackOf(error)}`;
		if (this.#told.has(text)) return;
		this.#told.add(text);
		this.#editor.log("error", text);
		if (error instanceof UdoError) this.#editor.show("warning", error.message);
	}

	/** How the team's store is doing: told once when it is away and once when it is back. */
	seen(link: Link | undefined): void {
		if (link === undefined) return;
		const server = `Redis ${showText(link.server, 120)}`;
		if (link.awayMs !== undefined && link.awayMs >= hiccupMs && !this.#away.has(link.server)) {
			this.#away.add(link.server);
			this.#editor.log("error", describeLink(link) ?? server);
			this.#editor.show("warning", `${server} is away: until it is back, locks hold on this machine only`);
		} else if (link.state === "connected" && this.#away.delete(link.server)) {
			this.#editor.log("info", `${server} is back`);
			this.#editor.show("info", `${server} is back`);
		}
	}

	/** What others did to the tree that this editor works in. */
	warn(message: string): void {
		this.#editor.show("warning", message);
	}

	/** The store answered. */
	over(): void {
		if (this.#isOut) this.#editor.log("info", "the store is back");
		this.#isOut = false;
	}
}

function sentences({ message, why, next }: UdoError): string {
	return [message, why, next && `next: ${next}`].filter(Boolean).join("; ");
}

function stackOf(error: unknown): string {
	return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
