import type { Client } from "./client.ts";
import { Lifeline } from "./lifeline.ts";

interface Audience {
	readonly channels: readonly string[];
	readonly onMessage: (channel: string, message: string) => void;
	readonly onGap: () => void;
}

/** One connection for all messages, opened for the first audience, and subscribed again after it was lost. */
export class Subscriber implements Disposable {
	readonly #lifeline: Lifeline;
	readonly #audiences = new Set<Audience>();
	#subscribed: Client | undefined;

	constructor(open: () => Promise<Client>, patienceMs: number) {
		this.#lifeline = new Lifeline(open, patienceMs, () => this.#resume());
	}

	/** `onGap` is called whenever the subscription has just begun, for the first time or anew: what was said before was missed. */
	listen(audience: Audience): Disposable {
		this.#audiences.add(audience);
		if (this.#lifeline.client === undefined) this.#lifeline.start();
		else this.#subscribe(this.#lifeline.client, [audience]);
		return {
			[Symbol.dispose]: () => {
				this.#audiences.delete(audience);
				this.#unsubscribe(audience.channels);
			},
		};
	}

	[Symbol.dispose](): void {
		this.#audiences.clear();
		this.#lifeline[Symbol.dispose]();
	}

	#resume(): void {
		const client = this.#lifeline.client;
		if (client === undefined || client === this.#subscribed) return;
		this.#subscribed = client;
		client.onMessage((channel, message) => {
			for (const audience of this.#audiences)
				if (audience.channels.includes(channel)) audience.onMessage(channel, message);
		});
		this.#subscribe(client, [...this.#audiences]);
	}

	#subscribe(client: Client, audiences: readonly Audience[]): void {
		const channels = [...new Set(audiences.flatMap((audience) => audience.channels))];
		if (channels.length === 0) return;
		client.send("subscribe", channels, { isIdle: true }).then(
			() => {
				for (const audience of audiences) if (this.#audiences.has(audience)) audience.onGap();
			},
			// Without its channels it is worth nothing: a new one is tried after a pause.
			(error: Error) => client.close(error),
		);
	}

	#unsubscribe(channels: readonly string[]): void {
		const wanted = new Set([...this.#audiences].flatMap((audience) => audience.channels));
		const unwanted = channels.filter((channel) => !wanted.has(channel));
		if (unwanted.length > 0) this.#lifeline.client?.send("unsubscribe", unwanted, { isIdle: true }).catch(() => {});
	}
}
