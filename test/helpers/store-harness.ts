import type { Store } from "../../server/store/store.ts";

/** A kind of store as the contract's tests see it: empty when opened. */
export interface StoreHarness {
	readonly name: string;
	/** A store whose time stands still, except when it is told to pass. */
	open(): Promise<SteppedStore>;
	/** A store in real time that several may connect to, as processes do. */
	openLive(): Promise<LiveStore>;
}

export interface SteppedStore extends AsyncDisposable {
	readonly store: Store;
	advance(ms: number): Promise<void>;
}

export interface LiveStore extends AsyncDisposable {
	/** Another connection to the same truth; closed with it. */
	connect(): Promise<Store>;
}
