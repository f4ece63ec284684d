// Its own types cannot be found from an ES module: its package.json exports none.
declare module "redlock" {
	import type { Redis } from "ioredis";

	interface Lock {
		release(): Promise<unknown>;
	}

	interface Settings {
		readonly retryCount: number;
		readonly retryDelay: number;
		readonly retryJitter: number;
	}

	class Redlock {
		constructor(clients: Iterable<Redis>, settings: Settings);
		acquire(resources: string[], duration: number): Promise<Lock>;
	}

	// biome-ignore lint/style/noDefaultExport: it is theirs
	export default Redlock;
}
